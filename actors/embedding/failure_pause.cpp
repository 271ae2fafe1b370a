#include "actors/embedding/failure_pause.hpp"

#include <algorithm>

namespace tandem {

bool failure_pause::admit(duration now) {
  if (failures_ == 0) return true;
  if (now < until_ || trying_) return false;
  return trying_ = true;
}

void failure_pause::succeeded() {
  failures_ = 0;
  trying_ = false;
}

void failure_pause::failed(duration now) {
  trying_ = false;
  // Of those that were under way together, one counts.
  if (failures_ != 0 && now < until_) return;
  until_ = now + std::min(longest, first * (1 << std::min(failures_, 6u)));
  ++failures_;
}

}  // namespace tandem
