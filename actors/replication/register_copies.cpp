#include "actors/replication/register_copies.hpp"

#include <utility>

namespace tandem {

namespace {

auto translated(copy_register::callback done) {
  return [done = std::move(done)](const register_reply& reply) {
    done(outcome_for_set(reply.outcome));
  };
}

}  // namespace

replica_set::outcome outcome_for_set(register_outcome outcome) noexcept {
  switch (outcome) {
    case register_outcome::done:
      return replica_set::outcome::done;
    case register_outcome::refused:
      return replica_set::outcome::refused;
    case register_outcome::fenced:
      return replica_set::outcome::fenced;
    case register_outcome::held:
    case register_outcome::unavailable:
      return replica_set::outcome::unavailable;
    case register_outcome::unknown:
    case register_outcome::corrupted:
      break;
  }
  // An etcd that is not to be believed may still have done it.
  return replica_set::outcome::unknown;
}

void register_copies::add(std::uint64_t epoch, const agreed_copy& copy, callback done) {
  record_->perform(register_add{epoch, {copy.node, copy.replica}}, 0, translated(std::move(done)));
}

void register_copies::remove(std::uint64_t epoch, const agreed_copy& copy, callback done) {
  record_->perform(register_remove{epoch, {copy.node, copy.replica}, true}, 0,
                   translated(std::move(done)));
}

}  // namespace tandem
