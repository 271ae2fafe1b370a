#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "schema/common.capnp.h"

namespace tandem {

/// What calls use and take, as measured: the costs and latencies that a decision is made with come
/// from here and from the prices of now, so a price that changes needs no learning. Exponential
/// averages over the latest calls; bounded by the models and ways that are configured.
class call_rates {
 public:
  struct tokens {
    double prompt = 0;
    double completion = 0;
  };
  struct expected_call {
    tokens used;
    /// 0: none was measured yet.
    double latency_us = 0;
  };

  /// A call of `model` was answered. Zeros are not known.
  void on_call(schema::Purpose purpose, std::string_view model, std::uint32_t prompt_bytes,
               tokens used, std::uint64_t latency_us);
  /// Before anything was measured: four bytes a token, and `max_tokens` written.
  [[nodiscard]] expected_call call(schema::Purpose purpose, std::string_view model,
                                   std::uint32_t prompt_bytes, std::uint32_t max_tokens) const;

  /// A job that went this way has ended: what it used of this model, and what it took.
  void on_way(std::string_view way, const std::map<std::string, tokens, std::less<>>& used,
              std::uint64_t latency_us);
  /// By model; null: no job went this way yet.
  struct way_rates {
    std::map<std::string, tokens, std::less<>> used;
    double latency_us = 0;
    std::uint64_t jobs = 0;
  };
  [[nodiscard]] const way_rates* way(std::string_view name) const;

 private:
  struct call_average {
    double tokens_per_byte = 0.25;
    double completion = 0;
    double latency_us = 0;
    std::uint64_t calls = 0;
  };
  /// Looked up several times a decision: without making a string.
  struct by_name {
    using is_transparent = void;
    template <class A, class B>
    bool operator()(const A& a, const B& b) const {
      return a.first != b.first ? a.first < b.first
                                : std::string_view{a.second} < std::string_view{b.second};
    }
  };
  std::map<std::pair<schema::Purpose, std::string>, call_average, by_name> calls_;
  std::map<std::string, way_rates, std::less<>> ways_;
};

}  // namespace tandem
