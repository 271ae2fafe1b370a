#pragma once

#include <utility>

#include <caf/actor_addr.hpp>
#include <caf/actor_cast.hpp>
#include <caf/send.hpp>

namespace tandem {

/// A callback that sends what it is called with to an actor, behind `parts`, as long as the actor
/// lives; it does not keep it alive. What is sent stays within the process: mark its type with
/// CAF_ALLOW_UNSAFE_MESSAGE_TYPE.
///   lease = etcd_lease{etcd, ttl, {.granted = mail_to<my_inside>(self, lease_atom_v), …}};
template <class Handle, class Self, class... Parts>
auto mail_to(const Self& self, Parts... parts) {
  return [to = caf::actor_cast<caf::actor_addr>(self), parts...](auto&&... got) {
    if (auto target = caf::actor_cast<Handle>(to))
      caf::anon_send(target, parts..., std::forward<decltype(got)>(got)...);
  };
}

}  // namespace tandem
