#include "actors/semantic/error_bounds.hpp"

#include <cmath>

#include <boost/math/special_functions/beta.hpp>

namespace tandem {

double upper_error_bound(std::size_t wrong, std::size_t count, double confidence) {
  if (wrong >= count) return 1;
  auto w = static_cast<double>(wrong);
  auto n = static_cast<double>(count);
  if (wrong == 0) return 1 - std::pow(1 - confidence, 1 / n);
  return boost::math::ibeta_inv(w + 1, n - w, confidence);
}

double lower_error_bound(std::size_t wrong, std::size_t count, double confidence) {
  if (wrong == 0 || count == 0) return 0;
  auto w = static_cast<double>(wrong);
  auto n = static_cast<double>(count);
  if (wrong >= count) return std::pow(1 - confidence, 1 / n);
  return boost::math::ibeta_inv(w, n - w + 1, 1 - confidence);
}

std::size_t least_labels(double max_error, double confidence) {
  return static_cast<std::size_t>(std::ceil(std::log(1 - confidence) / std::log(1 - max_error)));
}

}  // namespace tandem
