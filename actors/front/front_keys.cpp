// Client keys: one job for each (tenant, key) in the whole cluster. README.md has the argument.

#include <algorithm>
#include <set>

#include "actors/front/front.hpp"
#include "schema/errc.hpp"
#include "schema/ids.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

/// Each try knows of more journals than the one before.
constexpr unsigned tries_max = 6;

using known_list = capnp::List<schema::KnownJournal>::Reader;

std::uint64_t hash_of(const tmsg::submit& request) {
  auto reader = request.read();
  return key_hash(view(reader->getTenant()), view(reader->getClientKey()));
}

std::vector<journal_birth> births_of(known_list list) {
  std::vector<journal_birth> all;
  for (auto each : list) all.push_back({each.getBirthMs(), each.getJournal()});
  return all;
}

template <class Builder>
void write_known(Builder out, const journal_book& book) {
  auto all = book.journals();
  auto list = out.initJournals(static_cast<unsigned>(all.size()));
  for (unsigned i = 0; i < list.size(); ++i) {
    list[i].setJournal(all[i].journal);
    list[i].setBirthMs(all[i].birth_ms);
  }
}

tmsg::keyqry make_query(const journal_book& book, const tmsg::submit& request,
                        std::uint64_t journal) {
  message_builder<schema::KeyQuery> query;
  query->setSubmit(*request.read());
  query->setJournal(journal);
  write_known(*query, book);
  return query.finish();
}

tmsg::keyrep make_reply(const journal_book& book, std::uint64_t journal, schema::KeyOutcome outcome,
                        const tmsg::submitd* submitted = nullptr) {
  message_builder<schema::KeyReply> reply;
  reply->setOutcome(outcome);
  if (submitted != nullptr) reply->setSubmitted(*submitted->read());
  write_known(*reply, book);
  reply->setOrdered(book.is_ordered(journal));
  reply->setSettledUnder(book.settled_under(journal));
  return reply.finish();
}

tmsg::submit submit_of(const tmsg::keyqry& query) {
  message_builder<schema::Submit> copy;
  copy.copy(query.read()->getSubmit());
  return copy.finish();
}

caf::error views_differ() {
  return make_error(errc::unavailable,
                    "the nodes do not agree yet on which journals there are; submit again with the "
                    "same client key");
}

}  // namespace

bool front_state::learn(pointer self, known_list journals) {
  auto news = false;
  for (auto each : journals)
    if (each.getBirthMs() != 0) news |= start.book->learn({each.getBirthMs(), each.getJournal()});
  if (news) changed(self);
  return news;
}

// ---- From a client: to the journal that the key hashes to.

caf::result<tmsg::submitd> front_state::submit_key(pointer self, const tmsg::submit& request) {
  if (keys_under_way >= config.keys_max)
    return make_error(errc::overloaded, std::to_string(config.keys_max) +
                                            " submissions with client keys are under way already; "
                                            "submit again later");
  auto promise = self->make_response_promise<tmsg::submitd>();
  ++keys_under_way;
  auto call = add_pending([promise](const caf::error& err) mutable { promise.deliver(err); });
  send_key(self, request, call, promise, 0);
  return promise;
}

void front_state::send_key(pointer self, const tmsg::submit& request, std::uint64_t call,
                           promise<tmsg::submitd> promise, unsigned tries) {
  auto finish = [self, request, call, promise,
                 tries](const caf::expected<tmsg::keyrep>& reply) mutable {
    auto& state = self->state;
    if (reply) {
      auto reader = reply->read();
      state.learn(self, reader->getJournals());
      if (reader->getOutcome() == schema::KeyOutcome::ELSEWHERE && tries + 1 < tries_max)
        return state.send_key(self, request, call, promise, tries + 1);
    }
    state.pending.erase(call);
    --state.keys_under_way;
    if (!reply) {
      promise.deliver(reply.error());
      return;
    }
    auto outcome = reply->read()->getOutcome();
    if (outcome != schema::KeyOutcome::FOUND && outcome != schema::KeyOutcome::ACCEPTED) {
      promise.deliver(views_differ());
      return;
    }
    message_builder<schema::Submitted> submitted;
    submitted.copy(reply->read()->getSubmitted());
    promise.deliver(submitted.finish());
  };
  auto owner = start.book->owner(hash_of(request));
  if (local(owner) != nullptr) return accept_key(self, owner, request, finish);
  const auto* to = home(owner);
  if (to == nullptr) {
    auto why = owner == 0 ? std::string{"no journal is known yet; ask again in a moment"}
                          : "this client key belongs to " + place_of(owner) +
                                ", which is open nowhere: start that node again with its data "
                                "folder, or submit without a client key";
    return finish(make_error(errc::unavailable, why));
  }
  self->request(to->link, caf::infinite, submit_atom_v, make_query(*start.book, request, owner))
      .then([finish](const tmsg::keyrep& reply) mutable { finish(reply); },
            [finish](const caf::error& err) mutable { finish(err); });
}

// ---- From the front of another node.

caf::result<tmsg::keyrep> front_state::submit_key_here(pointer self, const tmsg::keyqry& query) {
  ++handled;
  auto reader = query.read();
  auto journal = reader->getJournal();
  if (reader->getSubmit().getClientKey().size() == 0)
    return make_error(errc::invalid_argument, "the submission has no client key");
  learn(self, reader->getJournals());
  if (local(journal) == nullptr)
    return make_error(errc::unavailable, "journal " + to_string(journal_id{journal}) +
                                             " is not open on node " + start.node +
                                             " any more; submit again with the same client key");
  if (keys_under_way >= config.keys_max)
    return make_error(errc::overloaded, "node " + start.node + " has " +
                                            std::to_string(config.keys_max) +
                                            " submissions with client keys under way already");
  auto promise = self->make_response_promise<tmsg::keyrep>();
  ++keys_under_way;
  auto call = add_pending([promise](const caf::error& err) mutable { promise.deliver(err); });
  accept_key(self, journal, submit_of(query),
             [self, call, promise](const caf::expected<tmsg::keyrep>& reply) mutable {
               self->state.pending.erase(call);
               --self->state.keys_under_way;
               if (reply)
                 promise.deliver(*reply);
               else
                 promise.deliver(reply.error());
             });
  return promise;
}

caf::result<tmsg::keyrep> front_state::find_key_here(pointer self, const tmsg::keyqry& query) {
  ++handled;
  auto reader = query.read();
  auto journal = reader->getJournal();
  // At once, also when it cannot answer: what is under way here and not yet handed to the planner
  // looks at the book once more before it is.
  learn(self, reader->getJournals());
  if (local(journal) == nullptr)
    return make_error(errc::unavailable, "journal " + to_string(journal_id{journal}) +
                                             " is not open on node " + start.node + " any more");
  auto promise = self->make_response_promise<tmsg::keyrep>();
  auto call = add_pending([promise](const caf::error& err) mutable { promise.deliver(err); });
  auto finish = [self, call, promise](const caf::expected<tmsg::keyrep>& reply) mutable {
    self->state.pending.erase(call);
    if (reply)
      promise.deliver(*reply);
    else
      promise.deliver(reply.error());
  };
  self->request(*local(journal), caf::infinite, find_atom_v, submit_of(query))
      .then(
          [self, journal, finish](const tmsg::submitd& found) mutable {
            // What the answer tells must not be forgotten: the asking node relies on it.
            self->state.when_saved(
                self, [self, journal, finish, found](const caf::error& unsaved) mutable {
                  if (unsaved) return finish(unsaved);
                  auto known = found.read()->getJob().getNumber() != 0;
                  finish(make_reply(*self->state.start.book, journal,
                                    known ? schema::KeyOutcome::FOUND : schema::KeyOutcome::NONE,
                                    &found));
                });
          },
          [finish](const caf::error& err) mutable { finish(err); });
  return promise;
}

// ---- At the home of the journal that the key hashes to.

/// One submission on its way to being accepted by `journal`, which is open here.
struct front_state::key_round : std::enable_shared_from_this<key_round> {
  pointer self;
  std::uint64_t journal = 0;
  tmsg::submit request;
  std::uint64_t hash = 0;
  key_done done;
  unsigned tries = 0;
  /// Whose order is followed in this try, and that order.
  std::uint64_t sequencer = 0;
  std::vector<journal_birth> order;
  bool ordered = false;
  std::set<std::uint64_t> answered;
  std::size_t missing = 0;
  bool over = false;

  [[nodiscard]] journal_book& book() const { return *self->state.start.book; }

  void end(const caf::expected<tmsg::keyrep>& reply) {
    if (std::exchange(over, true)) return;
    std::exchange(done, nullptr)(reply);
  }

  void end(schema::KeyOutcome outcome, const tmsg::submitd* submitted = nullptr) {
    end(make_reply(book(), journal, outcome, submitted));
  }

  void unreachable(std::uint64_t earlier) {
    end(make_error(errc::unavailable,
                   "this client key may have been used when it belonged to " +
                       self->state.place_of(earlier) +
                       ", which is open nowhere: start that node again with its data folder, or "
                       "submit without a client key"));
  }

  /// A key that this journal has is answered whatever happened to the others.
  void begin() {
    const auto* planner = self->state.local(journal);
    if (planner == nullptr) return end(make_error(errc::unavailable, "the journal was closed"));
    self->request(*planner, caf::infinite, find_atom_v, request)
        .then(
            [round = shared_from_this()](const tmsg::submitd& found) {
              if (found.read()->getJob().getNumber() != 0)
                return round->end(schema::KeyOutcome::FOUND, &found);
              round->next_try();
            },
            [round = shared_from_this()](const caf::error& err) { round->end(err); });
  }

  void next_try() {
    if (over) return;
    if (tries++ == tries_max) return end(views_differ());
    answered = {journal};
    missing = 0;
    sequencer = book().sequencer();
    if (self->state.local(sequencer) == nullptr) return ask(sequencer, true);
    auto all = book().journals();
    order.assign(all.begin(), all.end());
    ordered = book().is_ordered(sequencer);
    ask_earlier();
  }

  /// Asks another journal whether it has the key, and tells it of all journals known here.
  void ask(std::uint64_t other, bool for_order) {
    auto& state = self->state;
    ++missing;
    auto attempt = tries;
    if (const auto* planner = state.local(other)) {
      self->request(*planner, caf::infinite, find_atom_v, request)
          .then(
              [round = shared_from_this(), other, attempt](const tmsg::submitd& found) {
                auto known = found.read()->getJob().getNumber() != 0;
                round->on_answer(
                    other, false, attempt,
                    make_reply(round->book(), other,
                               known ? schema::KeyOutcome::FOUND : schema::KeyOutcome::NONE,
                               &found));
              },
              [round = shared_from_this()](const caf::error& err) { round->end(err); });
      return;
    }
    const auto* home = state.home(other);
    if (home == nullptr) return unreachable(other);
    self->request(home->link, caf::infinite, find_atom_v, make_query(book(), request, other))
        .then(
            [round = shared_from_this(), other, for_order, attempt](const tmsg::keyrep& reply) {
              round->on_answer(other, for_order, attempt, reply);
            },
            [round = shared_from_this()](const caf::error& err) { round->end(err); });
  }

  void on_answer(std::uint64_t other, bool for_order, unsigned attempt, const tmsg::keyrep& reply) {
    auto reader = reply.read();
    if (over) return;
    if (reader->getOutcome() == schema::KeyOutcome::FOUND)
      return end(make_found(reader->getSubmitted()));
    auto news = self->state.learn(self, reader->getJournals());
    if (book().settle(other, reader->getSettledUnder())) self->state.changed(self);
    if (attempt != tries) return;
    --missing;
    if (for_order) {
      order = births_of(reader->getJournals());
      ordered = reader->getOrdered();
      answered.insert(other);
      if (!is_current()) return next_try();
      return ask_earlier();
    }
    answered.insert(other);
    // It knows of a journal that the sequencer does not.
    if (news) return next_try();
    if (missing == 0) accept();
  }

  [[nodiscard]] tmsg::keyrep make_found(schema::Submitted::Reader submitted) const {
    message_builder<schema::Submitted> copy;
    copy.copy(submitted);
    auto found = copy.finish();
    return make_reply(book(), journal, schema::KeyOutcome::FOUND, &found);
  }

  /// Whether the order that this try goes by has every journal that is known here by now.
  [[nodiscard]] bool is_current() const {
    if (book().sequencer() != sequencer) return false;
    std::set<std::uint64_t> in_order;
    for (const auto& each : order) in_order.insert(each.journal);
    auto all = book().journals();
    return std::all_of(all.begin(), all.end(),
                       [&](const auto& each) { return in_order.contains(each.journal); });
  }

  void ask_earlier() {
    if (book().owner(hash) != journal) return end(schema::KeyOutcome::ELSEWHERE);
    missing = 1;
    for (auto earlier : book().earlier_owners(hash, order, ordered)) {
      if (answered.contains(earlier)) continue;
      ask(earlier, false);
      if (over) return;
    }
    if (--missing == 0) accept();
  }

  void accept() {
    if (!is_current()) return next_try();
    if (book().note_accept(journal, sequencer)) self->state.changed(self);
    self->state.when_saved(self, [round = shared_from_this()](const caf::error& unsaved) {
      if (unsaved) return round->end(unsaved);
      round->hand_over();
    });
  }

  /// From here on the planner answers for the key: whoever asks comes after this.
  void hand_over() {
    if (over) return;
    if (!is_current()) return next_try();
    if (book().owner(hash) != journal) return end(schema::KeyOutcome::ELSEWHERE);
    const auto* planner = self->state.local(journal);
    if (planner == nullptr) return end(make_error(errc::unavailable, "the journal was closed"));
    self->request(*planner, caf::infinite, submit_atom_v, request)
        .then(
            [round = shared_from_this()](const tmsg::submitd& submitted) {
              round->end(schema::KeyOutcome::ACCEPTED, &submitted);
            },
            [round = shared_from_this()](const caf::error& err) { round->end(err); });
  }
};

void front_state::accept_key(pointer self, std::uint64_t journal, const tmsg::submit& request,
                             key_done done) {
  auto round = std::make_shared<key_round>();
  round->self = self;
  round->journal = journal;
  round->request = request;
  round->hash = hash_of(request);
  round->done = std::move(done);
  round->begin();
}

}  // namespace tandem
