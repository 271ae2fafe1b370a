#pragma once

#include <cstdint>

#include "actors/router/learning/feature_vector.hpp"

namespace tandem {

/// Dimensions: 1 + numbers about the call + hashed words. 64 is fast, 128 tells more apart.
struct feature_config {
  std::uint32_t dense = 64;
  /// Word 1- and 2-grams hashed into sparse_dimensions besides.
  bool sparse = false;
  /// An embedding is to be expected: where none came its numbers are 0 rather than hashed words,
  /// which would mean something else in the same place.
  bool embeddings = false;
};

/// Text and circumstances of a call -> numbers of bounded size: hashed word n-grams (feature
/// hashing: Weinberger et al. 2009), lengths, digits, code, step kind and position, fan-in, tries,
/// tenant and tags. Nothing that tells verified calls from others: only they teach, and what they
/// teach is for all. Reads at most the first and last 8 KiB of a prompt. The same input
/// gives the same numbers on every machine. No allocation but for `out.sparse`.
class feature_extractor {
 public:
  explicit feature_extractor(const feature_config& config) : config_{config} {}

  void extract(const decision_facts& facts, feature_vector& out) const;

 private:
  feature_config config_;
};

}  // namespace tandem
