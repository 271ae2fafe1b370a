#include "actors/mesh/member_table.hpp"

#include <algorithm>

#include "actors/mesh/member_check.hpp"
#include "schema/errc.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

using schema::MemberState;

constexpr std::size_t retired_max = 4096;
/// Of members in one message; one message carries 1 MiB.
constexpr std::size_t list_bytes_max = std::size_t{640} << 10;
/// What a member takes beside its facts.
constexpr std::size_t entry_bytes = 64;
/// Known members that the rumours of one message may displace.
constexpr std::size_t evictions_max = 16;
/// A connection that breaks at once each time is not made again at once each time.
constexpr std::chrono::milliseconds lost_pause{100};

std::vector<std::uint64_t> journals_of(schema::Member::Reader member) {
  std::vector<std::uint64_t> result;
  for (auto journal : member.getJournals()) result.push_back(journal);
  return result;
}

std::string said(std::string_view text) {
  constexpr std::size_t shown_max = 64;
  std::string shown;
  for (char c : cut(text, shown_max)) shown += c >= ' ' && c <= '~' ? c : '?';
  return shown;
}

/// Without what only the sender of a message knows.
tmsg::member facts_of(schema::Member::Reader member) {
  message_builder<schema::Member> facts;
  facts.copy(member);
  facts->setState(MemberState::UNKNOWN);
  facts->setSinceMs(0);
  facts->setHeardMsAgo(0);
  facts->setLosses(0);
  return facts.finish();
}

bool same_bytes(const tmsg::member& a, const tmsg::member& b) {
  return std::equal(a.bytes().begin(), a.bytes().end(), b.bytes().begin(), b.bytes().end());
}

}  // namespace

member_table::member_table(const cluster_config& config, const tmsg::member& own)
    : config_{config}, own_{facts_of(*own.read())} {
  auto reader = own_.read();
  own_incarnation_ = reader->getIncarnation();
  own_name_ = view(reader->getName());
  own_address_ = view(reader->getAddress());
  own_protocol_ = reader->getProtocol();
  for (auto journal : reader->getJournals()) own_journals_.insert(journal);
}

bool member_table::set_own(schema::Member::Reader member) {
  message_builder<schema::Member> changed;
  changed.copy(member);
  changed->setName(own_name_);
  changed->setIncarnation(own_incarnation_);
  changed->setProtocol(own_protocol_);
  auto facts = facts_of(changed->asReader());
  if (same_bytes(facts, own_)) return false;
  own_ = facts;
  own_address_ = view(member.getAddress());
  own_journals_.clear();
  for (auto journal : member.getJournals()) own_journals_.insert(journal);
  return true;
}

caf::error member_table::check_hello(schema::Hello::Reader hello) const {
  auto member = hello.getMember();
  auto who = "node '" + said(view(member.getName())) + "' at " + said(view(member.getAddress()));
  auto here = "node '" + own_name_ + "' at " + own_address_;
  auto cluster = view(hello.getCluster());
  if (cluster != config_.name)
    return make_error(errc::conflict, who + " belongs to cluster '" + said(cluster) + "', " + here +
                                          " to cluster '" + config_.name +
                                          "'; set cluster.name, or connect to another node");
  if (hello.getProtocol() != own_protocol_)
    return make_error(errc::conflict,
                      who + " (version " + said(view(member.getVersion())) + ") speaks protocol " +
                          std::to_string(hello.getProtocol()) + ", " + here + " (version " +
                          std::string{view(own_.read()->getVersion())} + ") protocol " +
                          std::to_string(own_protocol_) + "; run releases that work together");
  if (auto problem = member_problem(member); !problem.empty())
    return make_error(errc::invalid_argument, "a node said hello that is none: " + problem);
  if (member.getIncarnation() == own_incarnation_)
    return make_error(errc::conflict, "that is this node itself: " + here);
  if (view(member.getName()) == own_name_)
    return make_error(errc::conflict, "two nodes are called '" + own_name_ + "': one at " +
                                          own_address_ + ", one at " +
                                          std::string{view(member.getAddress())} +
                                          "; give one of them another name (--name)");
  if (retired_.count(member.getIncarnation()) != 0)
    return make_error(errc::conflict, who + " has been replaced by a later start of that name");
  return caf::none;
}

caf::error member_table::replace_namesake(schema::Member::Reader member, moment now,
                                          member_changes& changes) {
  auto name = view(member.getName());
  auto found = std::find_if(records_.begin(), records_.end(), [&](const auto& each) {
    return each.second.name == name && each.second.in_session() &&
           each.first != member.getIncarnation();
  });
  if (found == records_.end()) return caf::none;
  auto& old = found->second;
  // Nobody else can listen where it listened. A data folder may have been moved, but then the old
  // start is silent.
  if (old.address != view(member.getAddress())) {
    auto both = "node '" + old.name + "' is at " + old.address + " and lives; another one is at " +
                std::string{view(member.getAddress())};
    auto journals = journals_of(member);
    auto is_restart = std::find_first_of(journals.begin(), journals.end(), old.journals.begin(),
                                         old.journals.end()) != journals.end();
    if (!is_restart)
      return make_error(errc::conflict, both + "; give one of them another name (--name)");
    if (now.at - old.heard < 2 * config_.heartbeat)
      return make_error(errc::unavailable,
                        both + " with the same journal; it may join once the first is silent");
  }
  end_session(found, MemberState::GONE, now, changes);
  return caf::none;
}

caf::expected<member_table::meeting> member_table::meet(schema::Hello::Reader hello,
                                                        bool other_handles, moment now) {
  if (auto err = check_hello(hello)) return err;
  meeting result;
  auto member = hello.getMember();
  result.incarnation = member.getIncarnation();
  if (auto err = replace_namesake(member, now, result.changes)) return err;
  auto found = records_.find(result.incarnation);
  if (found == records_.end()) {
    if (!make_room(true))
      return make_error(errc::overloaded, "node '" + own_name_ + "' knows " +
                                              std::to_string(records_.size() + 1) +
                                              " members, the most that cluster.members_max allows");
    found = records_.emplace(result.incarnation, record{}).first;
    result.is_news = true;
  }
  auto& of = found->second;
  std::uint32_t their_losses = 0;
  for (auto known : hello.getMembers())
    if (known.getIncarnation() == own_incarnation_ && member_problem(known).empty())
      their_losses = known.getLosses();
  auto was_in_session = of.in_session();
  auto is_begun =
      was_in_session && !other_handles && of.session > std::max(of.losses, their_losses);
  if (was_in_session && !is_begun) end_session(found, MemberState::GONE, now, result.changes);
  auto is_changed = renew_facts(of, member);
  of.heard = now.at;
  of.is_met = true;
  if (!is_begun) of.session = std::max(of.losses, their_losses) + 1;
  if (of.state != MemberState::ALIVE) {
    enter(of, MemberState::ALIVE, now);
    is_changed = true;
  }
  if (is_changed) tell(found, now, result.changes);
  retire_namesakes(result.incarnation);
  std::size_t seen = 0;
  auto evictions_left = evictions_max;
  for (auto other : hello.getMembers()) {
    if (++seen > config_.members_max) break;
    hint(other, now, result.changes, evictions_left);
  }
  return result;
}

member_changes member_table::heard(std::uint64_t incarnation, moment now) {
  member_changes changes;
  auto found = records_.find(incarnation);
  if (found == records_.end() || !found->second.in_session()) return changes;
  found->second.heard = now.at;
  if (found->second.state == MemberState::SUSPECT) {
    enter(found->second, MemberState::ALIVE, now);
    tell(found, now, changes);
  }
  return changes;
}

member_changes member_table::lose(std::uint64_t incarnation, moment now) {
  member_changes changes;
  auto found = records_.find(incarnation);
  if (found != records_.end() && found->second.in_session())
    end_session(found, MemberState::GONE, now, changes);
  return changes;
}

member_changes member_table::told(schema::Member::Reader member, moment now) {
  member_changes changes;
  auto found = records_.find(member.getIncarnation());
  if (found == records_.end() || !found->second.in_session() || !member_problem(member).empty() ||
      view(member.getName()) != found->second.name)
    return changes;
  auto is_changed = renew_facts(found->second, member);
  if (member.getState() == MemberState::LEFT) {
    end_session(found, MemberState::LEFT, now, changes);
    return changes;
  }
  changes = heard(member.getIncarnation(), now);
  if (is_changed && changes.empty()) tell(found, now, changes);
  return changes;
}

member_changes member_table::learn(capnp::List<schema::Member>::Reader members, moment now) {
  member_changes changes;
  if (members.size() == 0 || !in_session(members[0].getIncarnation())) return changes;
  changes = told(members[0], now);
  auto count = std::min<std::size_t>(members.size(), config_.members_max);
  auto evictions_left = evictions_max;
  for (unsigned i = 1; i < count; ++i) hint(members[i], now, changes, evictions_left);
  return changes;
}

void member_table::hint(schema::Member::Reader member, moment now, member_changes& changes,
                        std::size_t& evictions_left) {
  auto incarnation = member.getIncarnation();
  auto state = member.getState();
  if (incarnation == own_incarnation_ || retired_.count(incarnation) != 0) return;
  auto lives = state == MemberState::ALIVE || state == MemberState::SUSPECT;
  auto ended = state == MemberState::GONE || state == MemberState::LEFT;
  if (!lives && !ended) return;
  auto age_max = std::chrono::milliseconds{std::chrono::hours{24 * 365}};
  auto age = std::chrono::milliseconds{
      std::min<std::uint64_t>(member.getHeardMsAgo(), static_cast<std::uint64_t>(age_max.count()))};
  if (auto known = records_.find(incarnation); known != records_.end()) {
    // Somebody still hears it: it is not forgotten, and goes on being dialed.
    auto& of = known->second;
    if (lives && of.state == MemberState::GONE) {
      of.heard = std::max(of.heard, now.at - age);
      of.ended = std::max(of.ended, of.heard);
    }
    return;
  }
  if (!member_problem(member).empty()) return;
  // Of our own name: an earlier start of this node, or one that has to change its name.
  if (lives && view(member.getName()) == own_name_) return;
  record made;
  set_facts(made, member);
  if (ended && age >= config_.forget_after && !is_last_home(made, journals_in_session())) return;
  auto is_full = records_.size() + 1 >= config_.members_max;
  if (is_full && (evictions_left == 0 || !make_room(false))) {
    // A search that found nothing is not repeated.
    evictions_left = 0;
    return;
  }
  if (is_full) --evictions_left;
  made.learned = now.at;
  made.heard = now.at - age;
  made.state = lives ? MemberState::UNKNOWN : state;
  made.since_ms = member.getSinceMs();
  made.ended = made.heard;
  auto placed = records_.emplace(incarnation, std::move(made)).first;
  if (ended) tell(placed, now, changes);
}

member_changes member_table::tick(moment now) {
  member_changes changes;
  for (auto here = records_.begin(); here != records_.end(); ++here) {
    auto& of = here->second;
    if (of.in_session()) {
      if (now.at - of.heard >= config_.gone_after) {
        end_session(here, MemberState::GONE, now, changes);
      } else if (of.state == MemberState::ALIVE && now.at - of.heard >= config_.suspect_after) {
        enter(of, MemberState::SUSPECT, now);
        tell(here, now, changes);
      }
    } else if (of.state == MemberState::UNKNOWN && now.at - of.learned >= config_.gone_after) {
      of.ended = now.at;
      enter(of, MemberState::GONE, now);
      tell(here, now, changes);
    }
  }
  // After all sessions that end: whoever was the second home of a journal may now be the last.
  auto homed = journals_in_session();
  std::erase_if(records_, [&](const auto& each) {
    const auto& of = each.second;
    return of.has_ended() && now.at - of.ended >= config_.forget_after && !is_last_home(of, homed);
  });
  return changes;
}

member_table::clock::time_point member_table::next_deadline() const {
  auto next = clock::time_point::max();
  auto homed = journals_in_session();
  for (const auto& [incarnation, of] : records_) {
    if (of.state == MemberState::ALIVE) {
      next = std::min(next, of.heard + std::min(config_.suspect_after, config_.gone_after));
    } else if (of.state == MemberState::SUSPECT) {
      next = std::min(next, of.heard + config_.gone_after);
    } else if (of.state == MemberState::UNKNOWN) {
      next = std::min(next, of.learned + config_.gone_after);
    } else if (!is_last_home(of, homed)) {
      next = std::min(next, of.ended + config_.forget_after);
    }
  }
  return next;
}

bool member_table::in_session(std::uint64_t incarnation) const {
  auto found = records_.find(incarnation);
  return found != records_.end() && found->second.in_session();
}

std::vector<std::string_view> member_table::addresses_in_session() const {
  std::vector<std::string_view> result;
  for (const auto& [incarnation, of] : records_)
    if (of.in_session()) result.emplace_back(of.address);
  std::sort(result.begin(), result.end());
  return result;
}

std::optional<std::uint64_t> member_table::session_at(std::string_view address) const {
  for (const auto& [incarnation, of] : records_)
    if (of.in_session() && of.address == address) return incarnation;
  return std::nullopt;
}

std::vector<std::uint64_t> member_table::sessions() const {
  std::vector<std::uint64_t> result;
  for (const auto& [incarnation, of] : records_)
    if (of.in_session()) result.push_back(incarnation);
  return result;
}

std::vector<dial_wish> member_table::wishes() const {
  std::vector<dial_wish> result;
  auto reached = addresses_in_session();
  for (const auto& [incarnation, of] : records_) {
    auto is_lost = of.state == MemberState::UNKNOWN || of.state == MemberState::GONE;
    if (!is_lost || of.is_replaced || of.name == own_name_ || of.address == own_address_ ||
        std::binary_search(reached.begin(), reached.end(), of.address))
      continue;
    // Two that dial each other at once disturb each other: the first by name begins. The other one
    // follows where the first cannot.
    auto since = of.state == MemberState::UNKNOWN ? of.learned : of.ended + lost_pause;
    auto patience = own_name_ < of.name ? std::chrono::milliseconds{0} : 2 * config_.heartbeat;
    result.push_back({of.address, since + patience});
  }
  return result;
}

tmsg::hello member_table::hello(moment now) const {
  message_builder<schema::Hello> hello;
  hello->setCluster(config_.name);
  hello->setProtocol(own_protocol_);
  hello->setMember(*own_.read());
  auto others = to_tell();
  auto members = hello->initMembers(static_cast<unsigned>(others.size()));
  unsigned i = 0;
  for (const auto* other : others) write(members[i++], *other, now);
  return hello.finish();
}

tmsg::memlist member_table::members(moment now) const {
  message_builder<schema::MemberList> list;
  auto others = to_tell();
  auto members = list->initMembers(static_cast<unsigned>(others.size()) + 1);
  members.setWithCaveats(0, *own_.read());
  members[0].setState(MemberState::ALIVE);
  unsigned i = 1;
  for (const auto* other : others) write(members[i++], *other, now);
  return list.finish();
}

std::vector<const member_table::record*> member_table::to_tell() const {
  std::vector<const record*> result;
  result.reserve(records_.size());
  for (const auto& each : records_) result.push_back(&each.second);
  std::stable_partition(result.begin(), result.end(),
                        [](const auto* each) { return each->in_session(); });
  std::size_t bytes = 0;
  auto fits = [&bytes](const auto* each) {
    bytes += each->facts.bytes().size() + entry_bytes;
    return bytes <= list_bytes_max;
  };
  result.erase(std::find_if_not(result.begin(), result.end(), fits), result.end());
  return result;
}

tmsg::memlist member_table::news(std::optional<std::uint64_t> incarnation, moment now) const {
  message_builder<schema::MemberList> list;
  auto found = incarnation ? records_.find(*incarnation) : records_.end();
  auto members = list->initMembers(found == records_.end() ? 1 : 2);
  members.setWithCaveats(0, *own_.read());
  members[0].setState(MemberState::ALIVE);
  if (found != records_.end()) write(members[1], found->second, now);
  return list.finish();
}

void member_table::set_facts(record& of, schema::Member::Reader member) const {
  of.facts = facts_of(member);
  of.name = view(member.getName());
  of.address = view(member.getAddress());
  of.journals = journals_of(member);
}

bool member_table::renew_facts(record& of, schema::Member::Reader member) const {
  if (!of.facts.empty() && same_bytes(of.facts, facts_of(member))) return false;
  set_facts(of, member);
  return true;
}

void member_table::enter(record& of, MemberState state, moment now) {
  of.state = state;
  of.since_ms = now.wall_ms;
}

void member_table::end_session(records::iterator of, MemberState state, moment now,
                               member_changes& changes) {
  auto& ended = of->second;
  ended.losses = std::max(ended.losses, ended.session);
  ended.ended = now.at;
  enter(ended, state, now);
  tell(of, now, changes);
}

void member_table::tell(records::const_iterator of, moment now, member_changes& changes) const {
  message_builder<schema::Member> member;
  write(*member, of->second, now);
  changes.push_back({of->first, of->second.state, member.finish()});
}

std::vector<std::uint64_t> member_table::journals_in_session() const {
  std::vector<std::uint64_t> result{own_journals_.begin(), own_journals_.end()};
  for (const auto& [incarnation, of] : records_)
    if (of.in_session()) result.insert(result.end(), of.journals.begin(), of.journals.end());
  std::sort(result.begin(), result.end());
  return result;
}

bool member_table::is_last_home(const record& of,
                                const std::vector<std::uint64_t>& journals_in_session) {
  return std::any_of(of.journals.begin(), of.journals.end(), [&](std::uint64_t journal) {
    return !std::binary_search(journals_in_session.begin(), journals_in_session.end(), journal);
  });
}

void member_table::retire_namesakes(std::uint64_t incarnation) {
  const auto& name = records_.at(incarnation).name;
  auto homed = journals_in_session();
  for (auto i = records_.begin(); i != records_.end();) {
    auto here = i++;
    if (here->first == incarnation || here->second.name != name) continue;
    retire(here->first);
    here->second.is_replaced = true;
    if (!is_last_home(here->second, homed)) records_.erase(here);
  }
}

void member_table::retire(std::uint64_t incarnation) {
  if (!retired_.insert(incarnation).second) return;
  retired_order_.push_back(incarnation);
  if (retired_order_.size() <= retired_max) return;
  retired_.erase(retired_order_.front());
  retired_order_.pop_front();
}

bool member_table::make_room(bool for_met) {
  // This node is a member, too.
  if (records_.size() + 1 < config_.members_max) return true;
  auto homed = journals_in_session();
  auto oldest = records_.end();
  for (auto i = records_.begin(); i != records_.end(); ++i) {
    const auto& of = i->second;
    if (!of.has_ended() || is_last_home(of, homed)) continue;
    if (oldest == records_.end() || of.ended < oldest->second.ended) oldest = i;
  }
  if (oldest == records_.end() && for_met)
    oldest = std::find_if(records_.begin(), records_.end(), [](const auto& each) {
      return !each.second.is_met && !each.second.in_session();
    });
  if (oldest == records_.end()) return false;
  records_.erase(oldest);
  return true;
}

void member_table::write(schema::Member::Builder out, const record& of, moment now) const {
  auto facts = of.facts.read();
  out.setName(facts->getName());
  out.setIncarnation(facts->getIncarnation());
  out.setAddress(facts->getAddress());
  out.setProtocol(facts->getProtocol());
  out.setVersion(facts->getVersion());
  out.setRoles(facts->getRoles());
  out.setJournals(facts->getJournals());
  out.setJournalBirthsMs(facts->getJournalBirthsMs());
  out.setStartedAtMs(facts->getStartedAtMs());
  out.setDraining(facts->getDraining());
  out.setCertificateEndsAtMs(facts->getCertificateEndsAtMs());
  out.setState(of.state);
  out.setSinceMs(of.since_ms);
  auto ago = std::chrono::duration_cast<std::chrono::milliseconds>(now.at - of.heard).count();
  out.setHeardMsAgo(static_cast<std::uint64_t>(std::max<std::int64_t>(ago, 0)));
  out.setLosses(of.losses);
}

}  // namespace tandem
