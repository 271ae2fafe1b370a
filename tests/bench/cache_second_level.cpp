// A hit in the memory of another node's shard, over TLS, beside redis: its GET over a plain
// connection, plus what a round trip over TLS costs by itself.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
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
constexpr int warm_up = 500;
constexpr int calls = 4'000;
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

struct asking {
  std::vector<double> times;
  std::chrono::steady_clock::time_point from;
  int missed = 0;
  std::promise<void> finished;
};

/// One query after the other.
std::vector<double> ask(caf::actor_system& system, const cache_shard_actor& shard) {
  auto now = std::make_shared<asking>();
  auto finished = now->finished.get_future();
  system.spawn([now, shard](caf::event_based_actor* self) -> caf::behavior {
    auto next = [self, now, shard] {
      now->from = std::chrono::steady_clock::now();
      auto n = now->times.size();
      self->send(shard, cache_atom_v, query_of(n % keys, n + 1));
    };
    next();
    return {[self, now, next](cache_atom, const tmsg::cachrep& reply) {
      now->times.push_back(seconds_since(now->from));
      if (reply.read()->getOutcome() != schema::CacheOutcome::HIT) ++now->missed;
      if (now->times.size() < warm_up + calls) return next();
      now->finished.set_value();
      self->quit();
    }};
  });
  if (finished.wait_for(patience) != std::future_status::ready || now->missed != 0) return {};
  now->times.erase(now->times.begin(), now->times.begin() + warm_up);
  return now->times;
}

/// A message of an entry's size there, and one back, by CAF alone over the same connection.
std::vector<double> round_trips(caf::actor_system& near, caf::actor_system& far) {
  auto echo = far.spawn([](caf::event_based_actor* self) -> caf::behavior {
    return {[self](fill_atom, const tmsg::cachent& entry) {
      self->send(caf::actor_cast<caf::actor>(self->current_sender()), fill_atom_v, entry);
    }};
  });
  auto port = caf::openssl::publish(echo, 0, "127.0.0.1");
  if (!port) return {};
  auto remote = caf::openssl::remote_actor(near, "127.0.0.1", *port);
  if (!remote) return {};
  auto now = std::make_shared<asking>();
  auto finished = now->finished.get_future();
  near.spawn([now, far_end = *remote](caf::event_based_actor* self) -> caf::behavior {
    auto entry = entry_of(1);
    auto next = [self, now, far_end, entry] {
      now->from = std::chrono::steady_clock::now();
      self->send(far_end, fill_atom_v, entry);
    };
    next();
    return {[self, now, next](fill_atom, const tmsg::cachent&) {
      now->times.push_back(seconds_since(now->from));
      if (now->times.size() < warm_up + calls) return next();
      now->finished.set_value();
      self->quit();
    }};
  });
  if (finished.wait_for(patience) != std::future_status::ready) return {};
  caf::anon_send_exit(echo, caf::exit_reason::user_shutdown);
  now->times.erase(now->times.begin(), now->times.begin() + warm_up);
  return now->times;
}

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

/// Empty: there is no redis-server.
std::vector<double> redis_gets() {
  redis server;
  if (!server.is_there()) return {};
  // As long as an entry and its key are.
  std::string value(entry_of(1).bytes().size(), 'a');
  for (std::uint64_t n = 0; n < keys; ++n)
    if (!server.call("*3\r\n" + bulk("SET") + bulk(to_string(bench_key(n))) + bulk(value), 5))
      return {};
  std::vector<double> times;
  for (std::uint64_t n = 0; n < warm_up + calls; ++n) {
    auto command = "*2\r\n" + bulk("GET") + bulk(to_string(bench_key(n % keys)));
    auto from = std::chrono::steady_clock::now();
    if (!server.call(command, bulk(value).size())) return {};
    times.push_back(seconds_since(from));
  }
  times.erase(times.begin(), times.begin() + warm_up);
  return times;
}

}  // namespace

void run_second_level(cache_results& results) {
  temp_folder folder{"cache_second_level"};
  auto files = ensure_certificates(folder.path(), "node", {});
  if (!files) return;
  auto near_config = system_config::make({.threads = 1, .network = *files});
  auto far_config = system_config::make({.threads = 1, .network = *files});
  if (!near_config || !far_config) return;
  caf::actor_system near{**near_config};
  caf::actor_system far{**far_config};
  cache_shard_start start{.node = "far"};
  start.config.tiers.push_back({.tier = "small", .disk_bytes = 0});
  auto shard = far.spawn<caf::detached>(cache_shard_behavior, start);
  for (std::uint64_t n = 0; n < keys; ++n) caf::anon_send(shard, fill_atom_v, entry_of(n));
  auto port = caf::openssl::publish(shard, 0, "127.0.0.1");
  if (!port) return;
  auto remote = caf::openssl::remote_actor<cache_shard_actor>(near, "127.0.0.1", *port);
  if (!remote) {
    std::fprintf(stderr, "bench: the shard is not reached\n");
    results.ok = false;
    return;
  }
  auto hits = ask(near, *remote);
  auto trips = round_trips(near, far);
  auto gets = redis_gets();
  caf::anon_send_exit(shard, caf::exit_reason::user_shutdown);
  if (hits.empty() || trips.empty()) {
    std::fprintf(stderr, "bench: not every query was a hit\n");
    results.ok = false;
    return;
  }
  auto hit_us = 1e6 * percentile(hits, 0.5);
  auto trip_us = 1e6 * percentile(trips, 0.5);
  results.note("l2_hit_us_p50", hit_us);
  results.note("tls_round_trip_us_p50", trip_us);
  if (gets.empty()) {
    std::printf("no redis-server here: the second level is compared with nothing\n");
    return;
  }
  auto get_us = 1e6 * percentile(gets, 0.5);
  results.note("redis_get_us_p50", get_us);
  results.must("l2_over_redis_and_tls", hit_us / (get_us + trip_us), "l2_over_redis_and_tls_max");
  std::printf(
      "a hit on another node: p50 %.0f us; redis GET %.0f us and a round trip over TLS %.0f us\n",
      hit_us, get_us, trip_us);
}

}  // namespace tandem::bench
