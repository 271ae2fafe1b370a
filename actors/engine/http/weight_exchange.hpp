#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "actors/engine/http/http_link.hpp"
#include "actors/engine/http/weight_calls.hpp"

namespace tandem {

/// Makes the calls of one step one after the other and tells once what they came to, on the loop's
/// thread; also when the loop ends first. Ends by itself within `timeout`, as `deadline_exceeded`.
class weight_exchange : public std::enable_shared_from_this<weight_exchange> {
 public:
  using report = std::function<void(weight_outcome)>;

  weight_exchange(std::shared_ptr<http_link> link, weight_calls calls,
                  std::chrono::milliseconds timeout, report done);
  weight_exchange(const weight_exchange&) = delete;
  weight_exchange& operator=(const weight_exchange&) = delete;
  ~weight_exchange();

  /// From any thread, once.
  void begin(http_loop& loop);

 private:
  using clock = std::chrono::steady_clock;
  class handler;

  void go_on();
  void take(const http_outcome& outcome, int status, const std::string& body);
  void again(const weight_call& call);
  void end(errc code, std::string error);
  void end();

  const std::shared_ptr<http_link> link_;
  const weight_calls calls_;
  const clock::time_point until_;
  report done_;
  weight_outcome outcome_;
  std::size_t next_ = 0;
  std::uint32_t tried_ = 0;
};

}  // namespace tandem
