// A hit in the memory of another node's shard, over TLS, beside redis: its GET over a plain
// connection, plus what a round trip over TLS costs by itself. The other node is a process. All are
// asked in turns, since this machine's speed changes from second to second.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <functional>
#include <future>

#include <caf/event_based_actor.hpp>
#include <caf/openssl/publish.hpp>
#include <caf/openssl/remote_actor.hpp>
#include <caf/send.hpp>

#include "actors/cache_shard/cache_entry.hpp"
#include "actors/cache_shard/cache_shard.hpp"
#include "actors/clock.hpp"
#include "actors/system/caf_settings.hpp"
#include "config/certificates.hpp"
#include "schema/text.hpp"
#include "tests/bench/bench.hpp"
#include "tests/bench/cache_bench.hpp"

namespace tandem::bench {
namespace {

constexpr int keys = 1'000;
constexpr std::size_t calls_a_round = 100;
constexpr int rounds = 65;
constexpr int rounds_of_warming = 5;
constexpr std::size_t text_bytes = 1'000;
constexpr std::chrono::seconds patience{60};
constexpr const char* redis_port = "16399";

tmsg::cachent entry_of(std::uint64_t n) {
  auto now = unix_ms();
  entry_facts facts{.key = bench_key(n),
                    .tier = "small",
                    .tenant = "bench",
                    .model = "tiny",
                    .weight_version = "1",
                    .purpose = schema::Purpose::STEP,
                    .created_ms = now,
                    .expires_ms = now + 3'600'000};
  message_builder<schema::AttemptResult> result;
  result->setText(std::string(text_bytes, 'a'));
  result->setModel("tiny");
  result->setFinish(schema::Finish::STOP);
  return make_entry(facts, result->asReader());
}

tmsg::cachqry query_of(std::uint64_t n, std::uint64_t id) {
  message_builder<schema::CacheQuery> query;
  query->setId(id);
  query->setAsker(1);
  auto key = bench_key(n);
  query->setKey(as_data(key));
  auto scope = query->initScope();
  scope.setTier("small");
  scope.setTenant("bench");
  scope.setModel("tiny");
  scope.setWeightVersion("1");
  scope.setPurpose(schema::Purpose::STEP);
  query->setWaitMs(60'000);
  return query.finish();
}

/// A call that is answered by the same actor, one after the other.
using turn = std::function<void(caf::event_based_actor*, std::uint64_t number)>;

struct asking {
  std::vector<double> times;
  std::chrono::steady_clock::time_point from;
  std::uint64_t number = 0;
  int missed = 0;
  std::promise<void> finished;
};

/// `calls_a_round` of them. Empty: one was missed, or did not come back.
std::vector<double> ask(caf::actor_system& system, const turn& call, std::uint64_t& number) {
  auto now = std::make_shared<asking>();
  now->number = number;
  number += calls_a_round;
  auto finished = now->finished.get_future();
  system.spawn([now, call](caf::event_based_actor* self) -> caf::behavior {
    auto next = [self, now, call] {
      now->from = std::chrono::steady_clock::now();
      call(self, now->number++);
    };
    auto came = [self, now, next] {
      now->times.push_back(seconds_since(now->from));
      if (now->times.size() < calls_a_round) return next();
      now->finished.set_value();
      self->quit();
    };
    next();
    return {[now, came](cache_atom, const tmsg::cachrep& reply) {
              if (reply.read()->getOutcome() != schema::CacheOutcome::HIT) ++now->missed;
              came();
            },
            [came](fill_atom, const tmsg::cachent&) { came(); }};
  });
  if (finished.wait_for(patience) != std::future_status::ready || now->missed != 0) return {};
  return now->times;
}

system_settings settings(const tls_files& files) {
  // A tick of the heartbeat would abort a connect in progress.
  return {.threads = 1,
          .network = files,
          .heartbeat = std::chrono::hours{1},
          .connection_timeout = std::chrono::hours{3}};
}

/// The other node: says its two ports to `out`, and serves until `in` ends.
[[noreturn]] void serve(const tls_files& files, int out, int in) {
  auto config = system_config::make(settings(files));
  if (!config) _exit(1);
  caf::actor_system system{**config};
  cache_shard_start start{.node = "far"};
  start.config.tiers.push_back({.tier = "small", .disk_bytes = 0});
  auto shard = system.spawn<caf::detached>(cache_shard_behavior, start);
  for (std::uint64_t n = 0; n < keys; ++n) caf::anon_send(shard, fill_atom_v, entry_of(n));
  auto echo = system.spawn([](caf::event_based_actor* self) -> caf::behavior {
    return {[self](fill_atom, const tmsg::cachent& entry) {
      self->send(caf::actor_cast<caf::actor>(self->current_sender()), fill_atom_v, entry);
    }};
  });
  auto say = [out](const caf::expected<std::uint16_t>& port) {
    if (!port || write(out, &*port, sizeof *port) != sizeof *port) _exit(1);
  };
  say(caf::openssl::publish(shard, 0, "127.0.0.1"));
  say(caf::openssl::publish(echo, 0, "127.0.0.1"));
  char byte;
  while (read(in, &byte, 1) > 0) {
  }
  _exit(0);
}

/// A child that serves; ends with it.
class far_node {
 public:
  explicit far_node(const tls_files& files) {
    int says[2];
    int ends[2];
    if (pipe(says) != 0 || pipe(ends) != 0) return;
    pid_ = fork();
    if (pid_ == 0) {
      close(ends[1]);
      serve(files, says[1], ends[0]);
    }
    close(says[1]);
    close(ends[0]);
    end_ = ends[1];
    for (auto& port : ports_)
      if (read(says[0], &port, sizeof port) != sizeof port) port = 0;
    close(says[0]);
  }
  far_node(const far_node&) = delete;
  far_node& operator=(const far_node&) = delete;
  ~far_node() {
    if (end_ >= 0) close(end_);
    if (pid_ > 0) waitpid(pid_, nullptr, 0);
  }

  [[nodiscard]] std::uint16_t shard_port() const { return ports_[0]; }
  [[nodiscard]] std::uint16_t echo_port() const { return ports_[1]; }

 private:
  pid_t pid_ = -1;
  int end_ = -1;
  std::uint16_t ports_[2] = {};
};

/// A redis-server of this run's own; nothing where there is none.
class redis {
 public:
  redis() {
    int says[2];
    if (pipe(says) != 0) return;
    pid_ = fork();
    if (pid_ == 0) {
      dup2(says[1], STDOUT_FILENO);
      execlp("redis-server", "redis-server", "--port", redis_port, "--bind", "127.0.0.1", "--save",
             "", "--appendonly", "no", static_cast<char*>(nullptr));
      _exit(127);
    }
    close(says[1]);
    // To the end, where it cannot start.
    std::string log;
    char piece[512];
    for (ssize_t got = 0;
         log.find("Ready to accept") == log.npos && (got = read(says[0], piece, sizeof piece)) > 0;)
      log.append(piece, static_cast<std::size_t>(got));
    log_ = says[0];
    connect();
  }
  redis(const redis&) = delete;
  redis& operator=(const redis&) = delete;
  ~redis() {
    if (fd_ >= 0) close(fd_);
    if (log_ >= 0) close(log_);
    if (pid_ > 0) {
      kill(pid_, SIGTERM);
      waitpid(pid_, nullptr, 0);
    }
  }
  [[nodiscard]] bool is_there() const { return fd_ >= 0; }

  /// Sends one command of RESP and reads until `ends` bytes have come.
  [[nodiscard]] bool call(const std::string& command, std::size_t ends) {
    if (::send(fd_, command.data(), command.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(command.size()))
      return false;
    char buffer[8192];
    for (std::size_t got = 0; got < ends;) {
      auto now = recv(fd_, buffer, sizeof buffer, 0);
      if (now <= 0) return false;
      got += static_cast<std::size_t>(now);
    }
    return true;
  }

 private:
  void connect() {
    auto fd = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<std::uint16_t>(std::atoi(redis_port)));
    inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
    if (::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) {
      close(fd);
      return;
    }
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    fd_ = fd;
  }

  pid_t pid_ = -1;
  int fd_ = -1;
  int log_ = -1;
};

std::string bulk(const std::string& text) {
  return "$" + std::to_string(text.size()) + "\r\n" + text + "\r\n";
}

/// A redis-server with values as long as an entry and its key are.
class redis_values {
 public:
  redis_values() : value_(entry_of(1).bytes().size(), 'a') {
    for (std::uint64_t n = 0; server_.is_there() && n < keys; ++n)
      is_filled_ =
          server_.call("*3\r\n" + bulk("SET") + bulk(to_string(bench_key(n))) + bulk(value_), 5);
  }
  [[nodiscard]] bool is_there() const { return is_filled_; }

  [[nodiscard]] std::vector<double> ask(std::uint64_t& number) {
    std::vector<double> times;
    auto answer = bulk(value_).size();
    for (std::size_t i = 0; i < calls_a_round; ++i) {
      auto command = "*2\r\n" + bulk("GET") + bulk(to_string(bench_key(number++ % keys)));
      auto from = std::chrono::steady_clock::now();
      if (!server_.call(command, answer)) return {};
      times.push_back(seconds_since(from));
    }
    return times;
  }

 private:
  redis server_;
  std::string value_;
  bool is_filled_ = false;
};

}  // namespace

void run_second_level(cache_results& results) {
  temp_folder folder{"cache_second_level"};
  auto files = ensure_certificates(folder.path(), "node", {});
  if (!files) return results.fail("no certificates could be made");
  // Before this process has threads.
  far_node far{*files};
  redis_values redis;
  auto config = system_config::make(settings(*files));
  if (!config || far.echo_port() == 0) return results.fail("the other node did not start");
  caf::actor_system near{**config};
  auto shard = caf::openssl::remote_actor<cache_shard_actor>(near, "127.0.0.1", far.shard_port());
  auto echo = caf::openssl::remote_actor(near, "127.0.0.1", far.echo_port());
  if (!shard || !echo) return results.fail("the other node is not reached");
  auto entry = entry_of(1);
  turn hit = [to = *shard](caf::event_based_actor* self, std::uint64_t number) {
    self->send(to, cache_atom_v, query_of(number % keys, number));
  };
  turn trip = [to = *echo, entry](caf::event_based_actor* self, std::uint64_t) {
    self->send(to, fill_atom_v, entry);
  };
  std::vector<double> hits;
  std::vector<double> trips;
  std::vector<double> gets;
  std::vector<double> ratios;
  line ours{.name = "a hit on another node"};
  line theirs{.name = "redis' GET and a round trip over TLS"};
  std::uint64_t number = 1;
  for (int round = 0; round < rounds; ++round) {
    auto some_hits = ask(near, hit, number);
    auto some_trips = ask(near, trip, number);
    auto some_gets = redis.is_there() ? redis.ask(number) : std::vector<double>(calls_a_round);
    if (some_hits.empty() || some_trips.empty() || some_gets.empty())
      return results.fail("not every query was answered with a hit");
    if (round < rounds_of_warming) continue;
    auto one = percentile(some_hits, 0.5);
    auto other = percentile(some_gets, 0.5) + percentile(some_trips, 0.5);
    ratios.push_back(one / other);
    for (auto [to, seconds] : {std::pair{&ours, one}, std::pair{&theirs, other}}) {
      to->x.push_back(static_cast<double>(ratios.size()));
      to->y.push_back(1e6 * seconds);
    }
    hits.insert(hits.end(), some_hits.begin(), some_hits.end());
    trips.insert(trips.end(), some_trips.begin(), some_trips.end());
    gets.insert(gets.end(), some_gets.begin(), some_gets.end());
  }
  auto hit_us = 1e6 * percentile(hits, 0.5);
  auto trip_us = 1e6 * percentile(trips, 0.5);
  auto get_us = 1e6 * percentile(gets, 0.5);
  results.note("l2_hit_us_p50", hit_us);
  results.note("tls_round_trip_us_p50", trip_us);
  auto& documents = results.documents;
  if (!redis.is_there()) {
    documents.notes.push_back("Second level: a hit on another node " + rounded(hit_us, 0) +
                              " µs, a round trip over TLS " + rounded(trip_us, 0) +
                              " µs (medians); there is no redis-server to compare it with.");
    return;
  }
  results.note("redis_get_us_p50", get_us);
  results.must("l2_over_redis_and_tls", percentile(ratios, 0.5), "l2_over_redis_and_tls_max",
               "second level: a hit on another node over redis' GET and a round trip over TLS",
               "answers of 1 KB, another process, " + std::to_string(ratios.size()) + " turns of " +
                   std::to_string(calls_a_round) + " calls each; median of the turns");
  documents.notes.push_back(
      "Second level, medians: a hit on another node " + rounded(hit_us, 0) + " µs; redis' GET " +
      rounded(get_us, 0) + " µs without TLS; a message of the same size there and back over the " +
      "nodes' TLS " + rounded(trip_us, 0) + " µs. Over the turns the ratio is " +
      rounded(percentile(ratios, 0.05)) + " to " + rounded(percentile(ratios, 0.95)) +
      " (p5, p95).");
  documents.plots.push_back(
      {.name = "second_level.svg",
       .text =
           "Medians of each turn: the machine's speed changes meanwhile, and is the same for all "
           "within one.",
       .drawing = {.title = "A hit on another node",
                   .panels = {{.title = "medians of 100 calls, µs",
                               .x_label = "turn",
                               .y_label = "µs",
                               .lines = {ours, theirs},
                               .y_from_zero = true}}}});
}

}  // namespace tandem::bench
