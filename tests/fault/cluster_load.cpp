#include "tests/fault/cluster_load.hpp"

#include <algorithm>
#include <random>

#include "schema/errc.hpp"
#include "tests/support/node_client.hpp"

namespace tandem::fault {
namespace {

using std::chrono::milliseconds;
using clock = std::chrono::steady_clock;

/// Of one submission, over all faults and the time that nodes take to come back.
constexpr std::chrono::seconds patience{60};
constexpr milliseconds between_tries{40};

bool may_be_sent_again(const caf::error& err) {
  auto code = code_of(err);
  return code == errc::unavailable || code == errc::deadline_exceeded || code == errc::overloaded ||
         code == errc::storage_failed;
}

/// Its answer is its tag, whatever way it takes.
submission job_like(std::uint64_t shape, const std::string& tag) {
  auto step = [&tag](const char* name, unsigned ms) {
    return tag + ' ' + name + " @sim {\"ms\":" + std::to_string(ms) + ",\"reply\":\"" + name +
           "\"}";
  };
  auto last = "{{1}} @sim {\"reply\":\"" + tag + "\"}";
  submission what;
  switch (shape % 4) {
    case 0:
      what.mode = schema::PlanMode::SMALL;
      what.goal =
          tag + " @sim {\"ms\":" + std::to_string(shape / 4 % 300) + ",\"reply\":\"" + tag + "\"}";
      break;
    case 1:
      what.goal = test::goal_with_steps({{1, step("one", 40), {}}, {2, last, {1}}});
      break;
    case 2:
      what.goal =
          test::goal_with_steps({{1, step("one", 10), {}},
                                 {2, step("two", 200), {}},
                                 {3, step("three", 20), {1}},
                                 {4, "{{2}} {{3}} @sim {\"reply\":\"" + tag + "\"}", {2, 3}}});
      break;
    default: {
      std::vector<test::scripted_step> wide;
      std::vector<std::uint32_t> all;
      for (std::uint32_t i = 1; i <= 8; ++i) {
        wide.push_back({i, step("part", 10 * i), {}});
        all.push_back(i);
      }
      wide.push_back({9, "{{8}} @sim {\"reply\":\"" + tag + "\"}", all});
      what.goal = test::goal_with_steps(wide);
    }
  }
  what.tags = {tag.substr(0, tag.find('j') + 1)};
  return what;
}

}  // namespace

/// The clients of one thread.
class cluster_load::sender {
 public:
  sender(cluster_load& of, std::size_t node) : of_{of}, at_{node} {}

  /// Nothing when it could not even be sent.
  std::optional<caf::expected<job_id>> submit(const submission& what) {
    if (!client_ && !connect()) return std::nullopt;
    auto given = client_->submit(what);
    // Whether the node or one behind it is lost, is not told apart.
    if (!given && may_be_sent_again(given.error())) next();
    return given;
  }

 private:
  bool connect() {
    if (auto options = of_.where_(at_)) {
      options->connect_timeout = std::chrono::seconds{1};
      options->call_timeout = std::chrono::seconds{3};
      if (auto made = client::connect(*options)) {
        client_.emplace(std::move(*made));
        return true;
      }
    }
    next();
    return false;
  }
  void next() {
    client_.reset();
    at_ = (at_ + 1) % of_.nodes_;
  }

  cluster_load& of_;
  std::size_t at_;
  std::optional<client> client_;
};

cluster_load::cluster_load(std::uint64_t seed, std::size_t nodes, milliseconds storm, finder where)
    : where_{std::move(where)}, nodes_{nodes} {
  std::mt19937_64 random{seed * 31 + 5};
  std::vector<std::vector<order>> orders(nodes);
  auto when = [&] { return milliseconds{random() % static_cast<std::uint64_t>(storm.count())}; };
  auto count = 12 + random() % 16;
  for (std::uint64_t i = 0; i < count; ++i) {
    order next{.at = when(), .tag = mark(seed) + std::to_string(i), .what = {}};
    next.what = job_like(random(), next.tag);
    auto kind = random() % 4;
    if (kind != 0) next.what.client_key = next.tag;
    auto first = random() % nodes;
    orders[first].push_back(next);
    // The same key everywhere, at the same moment or later.
    for (std::size_t other = 1; kind == 1 && other < nodes; ++other) {
      if (random() % 2 == 0) next.at += milliseconds{random() % 200};
      orders[(first + other) % nodes].push_back(next);
    }
  }
  for (std::size_t i = 0; i < nodes; ++i)
    threads_.emplace_back(
        [this, i, own = std::move(orders[i])]() mutable { run(i, std::move(own)); });
}

cluster_load::~cluster_load() {
  {
    std::lock_guard lock{mutex_};
    abandoned_ = true;
  }
  changed_.notify_all();
  finish();
}

void cluster_load::finish() {
  for (auto& thread : threads_)
    if (thread.joinable()) thread.join();
}

void cluster_load::complain(std::string what) {
  std::lock_guard lock{mutex_};
  complaints_.push_back(std::move(what));
}

bool cluster_load::pause_until(clock::time_point when) {
  std::unique_lock lock{mutex_};
  return !changed_.wait_until(lock, when, [this] { return abandoned_; });
}

void cluster_load::acknowledge(const order& of, job_id job) {
  std::lock_guard lock{mutex_};
  const auto& key = of.what.client_key;
  if (!key.empty()) {
    auto [place, first] = by_key_.emplace(key, job);
    if (!first && place->second != job)
      complaints_.push_back("key " + key + " got " + to_string(place->second) + " and " +
                            to_string(job));
    if (!first) return;
  }
  acknowledged_.push_back({.id = job, .tag = of.tag, .key = key});
}

void cluster_load::run(std::size_t node, std::vector<order> orders) {
  std::stable_sort(orders.begin(), orders.end(),
                   [](const order& a, const order& b) { return a.at < b.at; });
  sender send{*this, node};
  auto begun = clock::now();
  for (const auto& next : orders) {
    if (!pause_until(begun + next.at)) return;
    auto end = clock::now() + patience;
    std::string last;
    for (auto done = false; !done;) {
      auto given = send.submit(next.what);
      if (given && *given) {
        acknowledge(next, **given);
        break;
      }
      if (given) last = message_of(given->error());
      if (given && !may_be_sent_again(given->error())) {
        complain("submit " + next.tag + ": " + to_string(code_of(given->error())) + ": " + last);
        break;
      }
      if (given && next.what.client_key.empty()) {
        std::lock_guard lock{mutex_};
        ++lost_;
        break;
      }
      if (clock::now() > end) {
        complain("submit " + next.tag + ": not acknowledged by any node, last: " + last);
        break;
      }
      if (!pause_until(clock::now() + between_tries)) return;
    }
  }
}

}  // namespace tandem::fault
