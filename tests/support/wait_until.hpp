#pragma once

#include <chrono>
#include <functional>

namespace tandem::test {

/// Looks again and again until `holds` or `limit` has passed; whether it holds.
[[nodiscard]] bool wait_until(std::chrono::milliseconds limit, const std::function<bool()>& holds);

}  // namespace tandem::test
