#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <queue>
#include <string>
#include <utility>
#include <vector>

#include "actors/engine/backend.hpp"

namespace tandem {

/// Drives a backend without threads in virtual time: waits are events in a queue.
class virtual_engine {
 public:
  using microseconds = std::chrono::microseconds;

  struct end {
    generation result;
    microseconds at{0};
  };

  /// The sink to make a backend with, where its streams are wanted.
  [[nodiscard]] backend_sink sink() {
    return {.on_text = [this](std::uint64_t id,
                              std::string text) { texts[id].emplace_back(now, std::move(text)); },
            .on_done =
                [this](std::uint64_t id, generation result) {
                  ends[id] = {std::move(result), now};
                }};
  }

  void start(backend& server, generation_request request) {
    auto id = request.id;
    take(id, server.start(std::move(request)));
  }

  /// Until nothing is left to wait for, or `until`.
  void run(backend& server, microseconds until = std::chrono::hours{24 * 365}) {
    while (!events_.empty() && events_.top().first <= until) {
      auto [at, id] = events_.top();
      events_.pop();
      now = at;
      ++wakes;
      take(id, server.resume(id));
    }
    if (now < until && until < std::chrono::hours{24 * 365}) now = until;
  }

  [[nodiscard]] std::string text_of(std::uint64_t id) const {
    std::string all;
    if (auto found = texts.find(id); found != texts.end())
      for (const auto& [at, text] : found->second) all += text;
    return all;
  }

  microseconds now{0};
  std::size_t wakes = 0;
  std::map<std::uint64_t, end> ends;
  std::map<std::uint64_t, std::vector<std::pair<microseconds, std::string>>> texts;

 private:
  void take(std::uint64_t id, progress outcome) {
    if (auto* result = std::get_if<generation>(&outcome)) ends[id] = {std::move(*result), now};
    if (auto* pause = std::get_if<microseconds>(&outcome)) events_.emplace(now + *pause, id);
  }

  using event = std::pair<microseconds, std::uint64_t>;
  std::priority_queue<event, std::vector<event>, std::greater<>> events_;
};

}  // namespace tandem
