#include "nodes/node/own_member.hpp"

#include "actors/mesh/mesh_actor.hpp"

namespace tandem {

tmsg::member own_member::write(const facts& known) {
  message_builder<schema::Member> member;
  member->setName(known.name);
  member->setIncarnation(known.incarnation);
  member->setAddress(known.address);
  member->setProtocol(protocol_version);
  member->setVersion(known.version);
  auto roles = member->initRoles(static_cast<unsigned>(known.roles.size()));
  for (unsigned i = 0; i < roles.size(); ++i) roles.set(i, known.roles[i]);
  auto count = static_cast<unsigned>(known.journals.size());
  auto journals = member->initJournals(count);
  auto births = member->initJournalBirthsMs(count);
  for (unsigned i = 0; i < count; ++i) {
    journals.set(i, known.journals[i].first);
    births.set(i, known.journals[i].second);
  }
  member->setStartedAtMs(known.started_at_ms);
  member->setState(schema::MemberState::ALIVE);
  member->setDraining(known.draining);
  member->setCertificateEndsAtMs(known.certificate_ends_at_ms);
  return member.finish();
}

}  // namespace tandem
