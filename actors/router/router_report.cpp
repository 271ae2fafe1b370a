// What a person is told of routing, and asks of it.

#include <algorithm>

#include "actors/router/router.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

constexpr std::uint32_t export_default = 200;

template <class List>
void write_texts(List list, const std::vector<std::string>& texts) {
  for (unsigned i = 0; i < list.size(); ++i) list.set(i, texts[i]);
}

tmsg::rtrep report_of(const tmsg::decrec& decision) {
  message_builder<schema::RouteReport> out;
  out->setDecision(*decision.read());
  return out.finish();
}

}  // namespace

tmsg::rtrep router_state::status_report() const {
  message_builder<schema::RouteReport> out;
  auto& chooser = table->chooser();
  chooser.report(*out, now_ms());
  auto notes = chooser.notes(now_ms());
  for (const auto& model : table->models_without_price())
    notes.push_back("model " + model +
                    " has no price and counts as free; set input_price and output_price");
  if (!peers.empty() && origins.empty()) notes.emplace_back("no other node has told anything yet");
  write_texts(out->initNotes(static_cast<unsigned>(notes.size())), notes);
  write_texts(out->initSetAside(static_cast<unsigned>(set_aside.size())), set_aside);
  auto list = out->initChanges(static_cast<unsigned>(changes.size()));
  for (unsigned i = 0; i < list.size(); ++i) list.setWithCaveats(i, *changes[i].read());
  auto nodes = out->initNodes(static_cast<unsigned>(origins.size() + 1));
  nodes[0].setOrigin(own_origin);
  nodes[0].setOwn(true);
  nodes[0].setAsOfMs(now_ms());
  unsigned place = 1;
  for (const auto& [id, of] : origins) {
    nodes[place].setOrigin(id);
    nodes[place].setNode(of.node);
    nodes[place++].setAsOfMs(of.as_of_ms);
  }
  return out.finish();
}

void router_state::command(pointer self, const tmsg::rtcmd& command,
                           caf::typed_response_promise<tmsg::rtrep> promise) {
  auto answer = [&promise](auto&& what) { promise.deliver(std::forward<decltype(what)>(what)); };
  auto reader = command.read();
  auto& chooser = table->chooser();
  switch (reader->getAction()) {
    case schema::RouteAction::STATUS:
      return answer(status_report());
    case schema::RouteAction::EXPLAIN: {
      auto id = reader->getDecision();
      if (const auto* known = chooser.ledger().find(id))
        return answer(report_of(chooser.ledger().record_of(*known)));
      auto missing = make_error(
          errc::not_found,
          "decision " + std::to_string(id) +
              " is not kept here: it was made on another node, is older than what "
              "routing.decisions_kept keeps, or was no choice (one model could take the call, or "
              "the policy does not learn)");
      if (!keeper) return answer(std::move(missing));
      self->request(keeper, caf::infinite, find_atom_v, id)
          .then([promise](const tmsg::decrec& found) mutable { promise.deliver(report_of(found)); },
                [promise, missing](const caf::error& err) mutable {
                  promise.deliver(code_of(err) == errc::not_found ? missing : err);
                });
      return;
    }
    case schema::RouteAction::EXPORT: {
      if (!keeper) return answer(make_error(errc::unavailable, "this node keeps no decisions"));
      save(self);
      auto limit = reader->getLimit() == 0 ? export_default : reader->getLimit();
      self->request(keeper, caf::infinite, list_atom_v, reader->getDecision(), limit)
          .then([promise](const tmsg::rtrep& page) mutable { promise.deliver(page); },
                [promise](const caf::error& err) mutable { promise.deliver(err); });
      return;
    }
    default: {
      auto change = chooser.trial().command(*reader, now_ms());
      if (!change) return answer(std::move(change.error()));
      on_change(self, *change);
      return answer(status_report());
    }
  }
}

}  // namespace tandem
