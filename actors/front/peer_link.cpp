#include "actors/front/peer_link.hpp"

#include <utility>

#include <caf/typed_response_promise.hpp>

#include "actors/status.hpp"
#include "schema/errc.hpp"

namespace tandem {
namespace {

using link_pointer = peer_link_actor::stateful_pointer<peer_link_state>;

// What a request that was lost on the way means to whoever asked.
constexpr const char* lost_read =
    "; what it acknowledged is safe in its journal, and asking again works as soon as that is open";
constexpr const char* lost_change =
    "; the job is safe in its journal, but whether this was carried out is not known: look at the "
    "job and ask again";
constexpr const char* lost_submit =
    "; the job may or may not have been accepted; use a client key to submit again without making "
    "a second one";
constexpr const char* lost_key =
    "; submit again with the same client key: that finds the job if it was accepted, and never "
    "makes a second one";

/// Passes one request on. `lost`: what to say when the peer goes before it has answered.
template <class Reply, class Verb, class... Args>
caf::result<Reply> pass(link_pointer self, const char* lost, Verb verb, const Args&... args) {
  auto& state = self->state;
  if (state.under_way.size() >= state.requests_max)
    return make_error(errc::overloaded, std::to_string(state.requests_max) +
                                            " requests are under way to node " + state.peer +
                                            " already; ask again later");
  auto promise = self->template make_response_promise<Reply>();
  auto call = state.next++;
  ++state.handled;
  state.under_way.emplace(call, [promise, lost, peer = state.peer]() mutable {
    promise.deliver(
        make_error(errc::unavailable, "node " + peer + " went away before it answered" + lost));
  });
  self->request(state.front, caf::infinite, node_atom_v, verb, args...)
      .then(
          [self, call, promise](const Reply& reply) mutable {
            if (self->state.under_way.erase(call) != 0) promise.deliver(reply);
          },
          [self, call, promise](const caf::error& err) mutable {
            auto found = self->state.under_way.find(call);
            if (found == self->state.under_way.end()) return;
            auto fail = std::move(found->second);
            self->state.under_way.erase(found);
            // It has died under the request: the same as its node's end.
            if (err == caf::sec::request_receiver_down)
              fail();
            else
              promise.deliver(err);
          });
  return promise;
}

}  // namespace

void peer_link_state::fail_all() {
  for (auto& [call, fail] : std::exchange(under_way, {})) fail();
}

peer_link_actor::behavior_type peer_link_behavior(link_pointer self, std::string peer,
                                                  front_peer front, std::uint32_t requests_max) {
  auto& state = self->state;
  state.peer = std::move(peer);
  state.front = std::move(front);
  state.requests_max = requests_max;
  return {[self](submit_atom verb, const tmsg::submit& request) {
            return pass<tmsg::submitd>(self, lost_submit, verb, request);
          },
          [self](wait_atom verb, const tmsg::jobref& request) {
            return pass<tmsg::jobsum>(self, lost_read, verb, request);
          },
          [self](summary_atom verb, const tmsg::jobref& request) {
            return pass<tmsg::jobsum>(self, lost_read, verb, request);
          },
          [self](view_atom verb, const tmsg::jobref& request) {
            return pass<tmsg::jobview>(self, lost_read, verb, request);
          },
          [](list_atom, const tmsg::jobqry&) -> caf::result<tmsg::joblist> {
            return make_error(errc::internal, "a list is asked for journal by journal");
          },
          [](cost_atom, const tmsg::costqry&) -> caf::result<tmsg::costrep> {
            return make_error(errc::internal, "what was spent is asked for journal by journal");
          },
          [self](follow_atom verb, const tmsg::follow& request) {
            return pass<tmsg::events>(self, lost_read, verb, request);
          },
          [self](result_atom verb, const tmsg::resqry& request) {
            return pass<tmsg::reschnk>(self, lost_read, verb, request);
          },
          [self](command_atom verb, const tmsg::jobcmd& request) {
            return pass<tmsg::jobsum>(self, lost_change, verb, request);
          },
          [self](feedback_atom verb, const tmsg::feedbk& request) {
            return pass<tmsg::jobsum>(self, lost_change, verb, request);
          },
          [self](purge_atom verb, const tmsg::purge& request) {
            return pass<tmsg::purged>(self, lost_change, verb, request);
          },
          [](find_atom, const tmsg::submit&) -> caf::result<tmsg::submitd> {
            return make_error(errc::internal, "a key is looked for journal by journal");
          },
          [](pin_atom, const tmsg::wtpin&) -> caf::result<tmsg::wtoutcm> {
            return make_error(errc::internal, "each node counts its own jobs' weights");
          },
          [self](status_atom) {
            auto& state = self->state;
            auto name = "link to " + state.peer;
            return actor_status({.name = name,
                                 .kind = "peer_link",
                                 .parent = "front",
                                 .mailbox_depth = self->mailbox().size(),
                                 .in_flight = state.under_way.size(),
                                 .handled = state.handled,
                                 .noun = "requests"});
          },
          [self](list_atom verb, std::uint64_t journal, const tmsg::jobqry& query) {
            return pass<tmsg::joblist>(self, lost_read, verb, journal, query);
          },
          [self](cost_atom verb, std::uint64_t journal, const tmsg::costqry& query) {
            return pass<tmsg::costrep>(self, lost_read, verb, journal, query);
          },
          [self](purge_atom verb, std::uint64_t journal, const tmsg::purge& request) {
            return pass<tmsg::purged>(self, lost_change, verb, journal, request);
          },
          [self](submit_atom verb, const tmsg::keyqry& query) {
            return pass<tmsg::keyrep>(self, lost_key, verb, query);
          },
          [self](find_atom verb, const tmsg::keyqry& query) {
            return pass<tmsg::keyrep>(self, lost_key, verb, query);
          },
          [self](gone_atom) {
            self->state.fail_all();
            self->quit();
          }};
}

}  // namespace tandem
