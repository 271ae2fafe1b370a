#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "actors/http_server/http_service.hpp"

namespace tandem {

/// The server-sent events of one answer: its head with the first piece, a comment when nothing was
/// said for long (proxies and clients give up on silence).
class event_stream {
 public:
  using clock = std::chrono::steady_clock;
  using header_list = std::vector<std::pair<std::string, std::string>>;

  event_stream(std::shared_ptr<http_reply> reply, header_list headers,
               std::chrono::milliseconds pulse)
      : reply_{std::move(reply)}, headers_{std::move(headers)}, pulse_{pulse} {}

  [[nodiscard]] bool has_begun() const { return has_begun_; }
  /// Empty pieces are nothing.
  void write(std::string piece);
  void end();
  void on_tick(clock::time_point now = clock::now());

 private:
  std::shared_ptr<http_reply> reply_;
  header_list headers_;
  std::chrono::milliseconds pulse_;
  clock::time_point said_ = clock::now();
  bool has_begun_ = false;
};

}  // namespace tandem
