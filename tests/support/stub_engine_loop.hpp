#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <queue>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include <simdjson.h>

#include "tests/support/stub_engine_parts.hpp"

namespace tandem::test {

/// The stub's thread: everything but `post`'s queue belongs to it while it runs.
class stub_engine::loop {
 public:
  loop(stub_options options, stub_handler handler);
  ~loop();
  loop(const loop&) = delete;
  loop& operator=(const loop&) = delete;

  void start();
  void stop();
  /// Runs `action` on the loop's thread, or here when there is none, and waits for it.
  void call(const std::function<void()>& action);
  [[nodiscard]] bool wait(std::function<bool(const stub_counts&)> seen,
                          std::chrono::milliseconds limit);

  // Within call():
  void close_idle();
  void set_accept(stub_accept how);

  stub_options options;
  stub_counts counts;
  stub_handler handler;
  std::deque<stub_answer> pushed;
  std::map<std::string, stub_answer, std::less<>> paths;
  std::unordered_map<std::string, std::uint64_t> prompts;
  bool loading = false;

 private:
  using clock = std::chrono::steady_clock;
  enum class phase { head, pieces, over };

  struct connection {
    int fd = -1;
    std::uint64_t serial = 0;
    std::string in;
    std::string out;
    std::size_t out_at = 0;
    bool wants_out = false;
    std::uint32_t answered = 0;
    // The answer under way:
    bool busy = false;
    bool chat = false;
    bool streamed = false;
    bool endless = false;
    bool spoilt = false;
    bool close_after = false;
    bool reset_after = false;
    bool armed = false;
    phase at = phase::head;
    stub_answer answer;
    std::string model;
    stub::chat_form form;
    clock::time_point start;
    std::uint32_t pieces = 0;
    std::uint32_t next_piece = 0;
    std::size_t response_sent = 0;
  };
  struct alarm {
    clock::time_point due;
    int fd;
    std::uint64_t serial;
    bool operator<(const alarm& other) const { return due > other.due; }
  };

  void run();
  void run_commands();
  void ring_alarms();
  void accept_all();
  void read_from(connection& c);
  void serve(connection& c);
  void begin(connection& c, stub_request& request);
  [[nodiscard]] stub_answer choose(stub_request& request, bool& chat);
  [[nodiscard]] bool read_chat(stub_request& request);
  void produce(connection& c);
  void step(connection& c);
  void step_head(connection& c);
  void step_pieces(connection& c);
  void spoil(connection& c);
  void apply_cut(connection& c);
  [[nodiscard]] clock::time_point due_of(const connection& c) const;
  /// False: the connection is gone.
  bool flush(connection& c);
  bool end_answer(connection& c);
  void watch(connection& c, bool out);
  void gone(connection& c, bool by_client);
  void close_all();

  int listener_ = -1;
  int epoll_ = -1;
  int wake_ = -1;
  bool running_ = false;
  stub_accept accept_ = stub_accept::normal;
  std::vector<int> ignored_;
  std::uint64_t serials_ = 0;
  std::unordered_map<int, std::unique_ptr<connection>> connections_;
  std::priority_queue<alarm> alarms_;
  simdjson::dom::parser parser_;
  struct waiter {
    std::uint64_t id;
    std::function<bool(const stub_counts&)> seen;
    std::function<void()> tell;
  };
  std::vector<waiter> waiters_;
  std::uint64_t waiter_ids_ = 0;
  std::mutex mutex_;
  std::vector<std::function<void()>> commands_;
  std::thread thread_;
};

}  // namespace tandem::test
