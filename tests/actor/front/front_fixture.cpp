#include "tests/actor/front/front_fixture.hpp"

namespace tandem::testing {
namespace {

template <class Reply>
void settle(shelf* book, caf::typed_response_promise<Reply> promise, Reply reply) {
  auto deliver = [promise, reply]() mutable { promise.deliver(reply); };
  if (book->hold)
    book->held.push_back(deliver);
  else
    deliver();
}

tmsg::jobsum summary_of(const shelf& book, std::uint64_t number) {
  message_builder<schema::JobSummary> out;
  out->getJob().setJournal(book.journal);
  out->getJob().setNumber(number);
  out->setGoal(book.jobs.at(number - 1).goal);
  out->setSubmittedAtMs(book.jobs.at(number - 1).submitted_at_ms);
  return out.finish();
}

tmsg::submitd submitted(const shelf& book, std::uint64_t number, bool duplicate) {
  message_builder<schema::Submitted> out;
  out->getJob().setJournal(book.journal);
  out->getJob().setNumber(number);
  out->setDuplicate(duplicate);
  return out.finish();
}

/// A reply of the right type that says which job it is about, where the type can.
template <class Reply, class Request>
caf::result<Reply> about(shelf_actor::pointer self, shelf* book, const char* verb,
                         const Request& request, Reply reply) {
  ++book->asked[verb];
  auto number = request.read()->getJob().getNumber();
  if (request.read()->getJob().getJournal() != book->journal || number == 0 ||
      number > book->jobs.size())
    return make_error(errc::not_found, "no such job");
  auto promise = self->make_response_promise<Reply>();
  settle(book, promise, reply);
  return promise;
}

/// One part of what the shelf's jobs have cost: 100 each, `cost_part` jobs a part.
tmsg::costrep spent(const shelf& book, schema::CostQuery::Reader query) {
  std::uint64_t after = 0;
  for (auto cursor : query.getCursors())
    if (cursor.getJournal() == book.journal) after = cursor.getAfter();
  auto last = std::min<std::uint64_t>(book.jobs.size(), after + book.cost_part);
  message_builder<schema::CostReport> out;
  auto row = out->initRows(1)[0];
  row.setModel("of journal " + std::to_string(book.journal));
  row.initUsage().setCostNanousd(static_cast<std::int64_t>(100 * (last - after)));
  out->setJournals(1);
  out->setJobsCounted(last - after);
  if (last < book.jobs.size()) {
    auto cursor = out->initCursors(1)[0];
    cursor.setJournal(book.journal);
    cursor.setAfter(last);
  }
  return out.finish();
}

template <class T>
message<T> blank() {
  return message_builder<T>{}.finish();
}

}  // namespace

shelf_actor::behavior_type shelf_behavior(shelf_actor::pointer self, shelf* book) {
  auto sum = [self, book](const char* verb, const auto& request) -> caf::result<tmsg::jobsum> {
    auto number = request.read()->getJob().getNumber();
    auto known = number != 0 && number <= book->jobs.size();
    return about(self, book, verb, request,
                 known ? summary_of(*book, number) : blank<schema::JobSummary>());
  };
  return {
      [self, book](submit_atom, const tmsg::submit& request) {
        ++book->asked["submit"];
        auto promise = self->make_response_promise<tmsg::submitd>();
        auto reader = request.read();
        std::pair key{std::string{view(reader->getTenant())},
                      std::string{view(reader->getClientKey())}};
        if (auto known = book->keys.find(key); !key.second.empty() && known != book->keys.end()) {
          settle(book, promise, submitted(*book, known->second, true));
          return promise;
        }
        book->jobs.push_back({std::string{view(reader->getMessages()[0].getContent())},
                              1'000 * (book->jobs.size() + 1) + book->journal});
        if (!key.second.empty()) book->keys.emplace(key, book->jobs.size());
        settle(book, promise, submitted(*book, book->jobs.size(), false));
        return promise;
      },
      [sum](wait_atom, const tmsg::jobref& request) { return sum("wait", request); },
      [sum](summary_atom, const tmsg::jobref& request) { return sum("summary", request); },
      [self, book](view_atom, const tmsg::jobref& request) {
        return about(self, book, "view", request, blank<schema::JobView>());
      },
      [self, book](list_atom, const tmsg::jobqry& query) {
        ++book->asked["list"];
        auto promise = self->make_response_promise<tmsg::joblist>();
        auto reader = query.read();
        auto number = book->jobs.size();
        if (reader->getBefore() != 0) number = std::min(number, reader->getBefore() - 1);
        auto count = std::min<std::size_t>(number, reader->getLimit());
        message_builder<schema::JobList> out;
        auto jobs = out->initJobs(static_cast<unsigned>(count));
        for (unsigned i = 0; i < count; ++i)
          jobs.setWithCaveats(i, *summary_of(*book, number - i).read());
        out->setNext(number > count ? number - count + 1 : 0);
        settle(book, promise, out.finish());
        return promise;
      },
      [self, book](cost_atom, const tmsg::costqry& query) {
        ++book->asked["cost"];
        auto promise = self->make_response_promise<tmsg::costrep>();
        settle(book, promise, spent(*book, *query.read()));
        return promise;
      },
      [self, book](follow_atom, const tmsg::follow& request) {
        return about(self, book, "follow", request, blank<schema::JobEvents>());
      },
      [self, book](result_atom, const tmsg::resqry& request) {
        return about(self, book, "result", request, blank<schema::ResultChunk>());
      },
      [sum](command_atom, const tmsg::jobcmd& request) { return sum("command", request); },
      [sum](feedback_atom, const tmsg::feedbk& request) { return sum("feedback", request); },
      [self, book](purge_atom, const tmsg::purge&) {
        ++book->asked["purge"];
        auto promise = self->make_response_promise<tmsg::purged>();
        message_builder<schema::Purged> out;
        out->setJobs(book->purged);
        settle(book, promise, out.finish());
        return promise;
      },
      [self, book](find_atom, const tmsg::submit& request) {
        ++book->asked["find"];
        auto promise = self->make_response_promise<tmsg::submitd>();
        auto reader = request.read();
        auto known = book->keys.find(
            {std::string{view(reader->getTenant())}, std::string{view(reader->getClientKey())}});
        settle(book, promise,
               submitted(*book, known == book->keys.end() ? 0 : known->second,
                         known != book->keys.end()));
        return promise;
      },
      [book](pin_atom, const tmsg::wtpin&) {
        message_builder<schema::WeightOutcome> out;
        auto pins = out->initPins(2);
        pins[0].setVersion("1");
        pins[0].setJobs(2);
        pins[1].setVersion("of journal " + std::to_string(book->journal));
        pins[1].setJobs(3);
        return out.finish();
      },
      [](status_atom) { return blank<schema::ActorStatus>(); },
      [book](wake_atom) {
        for (auto& go : std::exchange(book->held, {})) go();
      }};
}

held_writer_actor::behavior_type held_writer_behavior(held_writer_actor::pointer self,
                                                      held_writer* book) {
  return {[self, book](write_atom, const std::string& text) {
            auto promise = self->make_response_promise<caf::ok_atom>();
            auto write = [book, text, promise]() mutable {
              if (book->fail) {
                promise.deliver(make_error(errc::storage_failed, "disk full"));
                return;
              }
              book->written.push_back(text);
              promise.deliver(caf::ok_atom_v);
            };
            if (book->hold)
              book->held.push_back(write);
            else
              write();
            return promise;
          },
          [book](wake_atom) {
            for (auto& go : std::exchange(book->held, {})) go();
          }};
}

Fronts::Fronts() {
  config_ = std::move(*system_config::make({.threads = 1}));
  config_->set("scheduler.policy", caf::atom("testing"));
  system_ = std::make_unique<caf::actor_system>(*config_);
}

Fronts::~Fronts() {
  for (auto& each : nodes_) {
    caf::anon_send_exit(each.front, caf::exit_reason::kill);
    caf::anon_send_exit(each.planner, caf::exit_reason::kill);
    caf::anon_send_exit(each.writer_actor, caf::exit_reason::kill);
  }
  run();
  for (auto& each : nodes_) {
    each.jobs->held.clear();
    each.writer->held.clear();
    each.front = nullptr;
    each.planner = nullptr;
    each.writer_actor = nullptr;
  }
  run();
}

void Fronts::start(node& of) {
  of.incarnation = next_incarnation_++;
  of.planner = system_->spawn(shelf_behavior, of.jobs.get());
  of.writer_actor = system_->spawn(held_writer_behavior, of.writer.get());
  front_start start{.node = of.name,
                    .address = of.name + ":" + std::to_string(of.incarnation),
                    .own = {of.birth, of.journal},
                    .own_is_new = of.jobs->jobs.empty(),
                    .book = of.book,
                    .file = {},
                    .writer = caf::actor_cast<book_writer_actor>(of.writer_actor)};
  of.front = system_->spawn(front_behavior, front_config_, std::move(start));
  caf::anon_send(of.front, wire_atom_v, of.journal, caf::actor_cast<planner_actor>(of.planner));
  run();
}

Fronts::node& Fronts::add(const std::string& name, std::uint64_t journal, std::uint64_t birth,
                          const front_config& config) {
  front_config_ = config;
  auto& of = nodes_.emplace_back();
  of.name = name;
  of.journal = journal;
  of.birth = birth;
  of.jobs->journal = journal;
  start(of);
  return of;
}

void Fronts::tell(node& who, node& of, schema::MemberState state, bool draining) {
  message_builder<schema::Member> member;
  member->setName(of.name);
  member->setIncarnation(of.incarnation);
  member->setAddress(of.name + ":" + std::to_string(of.incarnation));
  member->initRoles(1).set(0, "planner");
  member->initJournals(1).set(0, of.journal);
  member->initJournalBirthsMs(1).set(0, of.birth);
  member->setState(state);
  member->setDraining(draining);
  peer_handles handles;
  if (state == schema::MemberState::ALIVE || state == schema::MemberState::SUSPECT)
    handles.front = caf::actor_cast<caf::actor>(of.front);
  caf::anon_send(who.front, member_atom_v, member.finish(), handles);
  run();
}

void Fronts::meet_all() {
  for (auto& a : nodes_)
    for (auto& b : nodes_)
      if (&a != &b) tell(a, b);
}

void Fronts::lose(node& of) {
  for (auto& each : nodes_)
    if (&each != &of) tell(each, of, schema::MemberState::GONE);
}

void Fronts::come_back(node& of) {
  caf::anon_send_exit(of.front, caf::exit_reason::kill);
  caf::anon_send_exit(of.planner, caf::exit_reason::kill);
  caf::anon_send_exit(of.writer_actor, caf::exit_reason::kill);
  run();
  of.jobs->held.clear();
  of.jobs->hold = false;
  of.writer->held.clear();
  of.writer->hold = false;
  // What was not written is forgotten.
  auto text = of.writer->written.empty() ? journal_book{}.to_text() : of.writer->written.back();
  of.book = std::make_shared<journal_book>(*journal_book::parse(text));
  start(of);
}

tmsg::submit Fronts::goal(const std::string& text, const std::string& key) {
  message_builder<schema::Submit> out;
  out->initMessages(1)[0].setRole(schema::Role::USER);
  out->getMessages()[0].setContent(text);
  out->setMode(schema::PlanMode::SMALL);
  out->setClientKey(key);
  return out.finish();
}

tmsg::jobref Fronts::ref(std::uint64_t journal, std::uint64_t number) {
  message_builder<schema::JobRef> out;
  out->getJob().setJournal(journal);
  out->getJob().setNumber(number);
  return out.finish();
}

std::string Fronts::key_for(const std::function<bool(std::uint64_t hash)>& wanted) {
  for (unsigned i = 0;; ++i) {
    auto key = "key-" + std::to_string(i);
    if (wanted(key_hash("", key))) return key;
  }
}

unsigned Fronts::jobs_of(const std::string& key) const {
  unsigned count = 0;
  for (const auto& each : nodes_)
    if (each.jobs->keys.contains({"", key})) ++count;
  return count;
}

}  // namespace tandem::testing
