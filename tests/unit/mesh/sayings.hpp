#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "actors/mesh/mesh_actor.hpp"
#include "schema/types.hpp"

namespace tandem::testing {

/// What a node says of itself, or another one of it.
struct saying {
  std::string name = "beta";
  std::uint64_t incarnation = 2;
  /// Empty: made of the name.
  std::string address{};
  std::vector<std::uint64_t> journals{};
  schema::MemberState state = schema::MemberState::ALIVE;
  std::uint64_t heard_ms_ago = 0;
  std::uint32_t losses = 0;
  bool draining = false;
};

struct greeting {
  saying of{};
  std::vector<saying> knows{};
  std::string cluster = "tandem";
  std::uint32_t protocol = protocol_version;
};

inline std::string address_of(const saying& what) {
  return what.address.empty() ? what.name + ":7420" : what.address;
}

inline void write(schema::Member::Builder out, const saying& what) {
  out.setName(what.name);
  out.setIncarnation(what.incarnation);
  out.setAddress(address_of(what));
  out.setProtocol(protocol_version);
  out.setVersion("0.1.0");
  auto journals = out.initJournals(static_cast<unsigned>(what.journals.size()));
  for (unsigned i = 0; i < journals.size(); ++i) journals.set(i, what.journals[i]);
  out.setState(what.state);
  out.setHeardMsAgo(what.heard_ms_ago);
  out.setLosses(what.losses);
  out.setDraining(what.draining);
}

inline tmsg::member member_of(const saying& what) {
  message_builder<schema::Member> member;
  write(*member, what);
  return member.finish();
}

inline tmsg::hello hello_of(const greeting& what) {
  message_builder<schema::Hello> hello;
  hello->setCluster(what.cluster);
  hello->setProtocol(what.protocol);
  write(hello->initMember(), what.of);
  auto members = hello->initMembers(static_cast<unsigned>(what.knows.size()));
  for (unsigned i = 0; i < members.size(); ++i) write(members[i], what.knows[i]);
  return hello.finish();
}

/// The sender first.
inline tmsg::memlist list_of(const std::vector<saying>& all) {
  message_builder<schema::MemberList> list;
  auto members = list->initMembers(static_cast<unsigned>(all.size()));
  for (unsigned i = 0; i < members.size(); ++i) write(members[i], all[i]);
  return list.finish();
}

inline std::string to_text(schema::MemberState state) {
  constexpr const char* texts[] = {"unknown", "alive", "suspect", "gone", "left"};
  return texts[static_cast<std::size_t>(state)];
}

}  // namespace tandem::testing
