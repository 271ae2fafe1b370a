// Arbitrary bytes as messages of every type. What passes the check must be readable and copyable
// without an exception; as journal records it must replay to a state or be refused.
//
// Input: messages one behind the other, as Cap'n Proto writes them.

#include <cstdlib>
#include <cstring>
#include <vector>

#include <capnp/serialize.h>

#include "actors/job/job_machine.hpp"
#include "actors/job/job_view.hpp"
#include "schema/types.hpp"
#include "tests/unit/schema/message_walk.hpp"

namespace {

using namespace tandem;

void require(bool holds) {
  if (!holds) std::abort();
}

template <class T>
void parse_as(std::span<const std::byte> bytes) {
  auto parsed = message<T>::parse(bytes);
  if (!parsed) {
    require(code_of(parsed.error()) == errc::malformed_message);
    return;
  }
  testing::walk(*parsed);
}

template <class... Ts>
void parse_as_all(std::span<const std::byte> bytes) {
  (parse_as<Ts>(bytes), ...);
}

void show(const job_state& state) {
  testing::walk(make_summary(state));
  auto view = make_view(state, 0);
  require(view.bytes().size() <= message_limits{}.words_max * sizeof(capnp::word));
  for (std::uint32_t after = 0; after < state.last_number();) {
    auto events = make_events(state, after, state.last_number());
    auto last = static_cast<std::uint32_t>(events.read()->getLast());
    require(last > after);
    after = last;
  }
  testing::walk(make_result(state, 0));
}

void replay(const std::vector<job_record>& records) {
  job_settings settings;
  settings.limits.steps_max = 16;
  job_machine machine{{journal_id{1}, 2}, settings};
  for (const auto& record : records) {
    if (auto err = machine.replay(record)) {
      require(code_of(err) == errc::corrupted);
      return;
    }
  }
  if (records.empty()) return;
  show(machine.state());
  job_outbox out;
  for (const auto& attempt : machine.next_attempts(1'000, out)) testing::walk(attempt);
  for (const auto& record : out.records) testing::walk(record);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<capnp::word> words(size / sizeof(capnp::word));
  if (!words.empty())
    std::memcpy(static_cast<void*>(words.data()), data, words.size() * sizeof(capnp::word));
  std::vector<job_record> records;
  kj::ArrayPtr<const capnp::word> rest{words.data(), words.size()};
  for (int pieces = 0; rest.size() != 0 && pieces < 64; ++pieces) {
    std::size_t expected = 0;
    auto thrown =
        kj::runCatchingExceptions([&] { expected = capnp::expectedSizeInWordsFromPrefix(rest); });
    if (thrown != nullptr || expected == 0 || expected > rest.size()) expected = rest.size();
    auto piece = rest.slice(0, expected);
    rest = rest.slice(expected, rest.size());
    auto bytes = std::as_bytes(std::span{piece.begin(), piece.size()});
    parse_as_all<schema::Submit, schema::JobQuery, schema::JobView, schema::JobEvents,
                 schema::Attempt, schema::TextChunk, schema::AttemptResult, schema::RouteQuery,
                 schema::Decision, schema::Topology, schema::JobSummary, schema::JobCommand>(bytes);
    if (auto record = job_record::parse(bytes, record_limits)) {
      testing::walk(*record);
      records.push_back(std::move(*record));
    }
  }
  replay(records);
  return 0;
}
