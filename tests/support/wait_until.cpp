#include "tests/support/wait_until.hpp"

#include <thread>

namespace tandem::test {

bool wait_until(std::chrono::milliseconds limit, const std::function<bool()>& holds) {
  auto end = std::chrono::steady_clock::now() + limit;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
  }
  return true;
}

}  // namespace tandem::test
