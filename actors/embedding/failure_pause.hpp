#pragma once

#include <chrono>
#include <cstdint>

namespace tandem {

/// When a server that failed is asked again: after a pause that doubles from one second to a minute
/// with each failure in a row, and by one request alone until that succeeds. No clock: times are
/// those since any fixed moment. Not thread-safe.
class failure_pause {
 public:
  using duration = std::chrono::milliseconds;
  static constexpr duration first{1'000};
  static constexpr duration longest{60'000};

  /// Whether a request may be sent now; if so, one of the functions below is to follow.
  [[nodiscard]] bool admit(duration now);
  void succeeded();
  void failed(duration now);
  /// It says nothing about the server.
  void ended() { trying_ = false; }

 private:
  std::uint32_t failures_ = 0;
  duration until_{0};
  bool trying_ = false;
};

}  // namespace tandem
