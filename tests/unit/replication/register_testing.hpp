#pragma once

#include <string>

#include "actors/replication/register_run.hpp"

namespace tandem::testing_register {

inline journal_holder node(int number, std::uint64_t incarnation = 1) {
  auto name = std::string(1, static_cast<char>('a' + number));
  return {{name, static_cast<std::uint64_t>(100 + number)}, incarnation, name + ":1"};
}

/// The view after a write has been done.
inline register_view after(const register_view& view, const register_step& step,
                           const journal_holder& self, std::int64_t lease) {
  auto out = view;
  out.record = step.next;
  ++out.version;
  ++out.revision;
  if (step.lease == lease_change::put) out.lease = lease_text(self, lease);
  if (step.lease == lease_change::erase) out.lease.clear();
  return out;
}

}  // namespace tandem::testing_register
