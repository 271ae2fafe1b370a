#include "actors/engine/attempt_port.hpp"

#include <utility>

#include <caf/actor_cast.hpp>
#include <caf/actor_system.hpp>
#include <caf/error.hpp>
#include <caf/local_actor.hpp>
#include <caf/mailbox_element.hpp>
#include <caf/make_actor.hpp>
#include <caf/message_id.hpp>
#include <caf/monitorable_actor.hpp>

#include "actors/atoms.hpp"
#include "schema/errc.hpp"

namespace tandem {
namespace {

/// Whom engines answer. It has no turn of its own: what comes is in the owner's mailbox at once.
class port : public caf::monitorable_actor {
 public:
  port(caf::actor_config& config, caf::actor_addr owner)
      : monitorable_actor{config}, owner_{std::move(owner)} {}

  void enqueue(caf::mailbox_element_ptr what, caf::execution_unit* host) override {
    if (!what->mid.is_response()) return bounce(what);
    auto to = caf::actor_cast<caf::strong_actor_ptr>(owner_);
    if (!to) return;
    auto number = what->mid.request_id().integer_value();
    const auto& content = what->content();
    auto pass_on = [&](auto reply) {
      to->enqueue(caf::make_mailbox_element(caf::strong_actor_ptr{ctrl()}, caf::make_message_id(),
                                            {}, done_atom_v, number, std::move(reply)),
                  host);
    };
    if (content.match_elements<tmsg::attres>())
      pass_on(content.get_as<tmsg::attres>(0));
    else if (content.match_elements<caf::error>())
      pass_on(content.get_as<caf::error>(0));
    else
      pass_on(make_error(errc::internal, "an engine answered with something else"));
  }

 private:
  caf::actor_addr owner_;
};

}  // namespace

attempt_port::attempt_port(caf::local_actor* owner) {
  auto& system = owner->home_system();
  caf::actor_config config{owner->context()};
  port_ = caf::make_actor<port, caf::actor>(system.next_actor_id(), system.node(), &system, config,
                                            owner->address());
}

void attempt_port::send(caf::local_actor* owner, std::uint64_t number, const engine_actor& engine,
                        const tmsg::attempt& attempt, const tmsg::decisn& decision,
                        const chunk_sink& sink) const {
  auto to = caf::actor_cast<caf::strong_actor_ptr>(engine);
  to->enqueue(caf::make_mailbox_element(caf::actor_cast<caf::strong_actor_ptr>(port_),
                                        caf::message_id{number}.with_normal_priority(), {},
                                        attempt_atom_v, attempt, decision, sink),
              owner->context());
}

bool attempt_port::is_from_it(const caf::strong_actor_ptr& sender) const {
  return sender != nullptr && port_ == sender;
}

}  // namespace tandem
