#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace tandem::bench {

/// A request of a trace: when, how much to read and to write, and the blocks of 512 tokens that its
/// prompt begins with.
struct traced_request {
  double at_s = 0;
  std::uint32_t input = 0;
  std::uint32_t output = 0;
  std::vector<std::uint64_t> blocks;
};

struct request_trace {
  std::string name;
  std::vector<traced_request> requests;
};

constexpr std::uint32_t trace_block_tokens = 512;

/// `conversation_trace.jsonl` below `folder`/mooncake, else the sample that lies in the tree, whose
/// name says so. Exits on what cannot be read.
[[nodiscard]] request_trace load_mooncake(const std::filesystem::path& folder);

/// Arrivals and lengths of `folder`/azure, which has no blocks: each prompt begins with one of
/// 2,000 prefixes, drawn by Zipf's law (exponent 1.1) under a seed, 90% of it at the most, each as
/// long as the first prompt that drew it; block 0 is common to all. Time is stretched so that the
/// load on eight engines is that of the conversations. Empty where the data are not there.
[[nodiscard]] request_trace load_azure_with_prefixes(const std::filesystem::path& folder);

/// Every arrival `times` times at once: other conversations with the same first block.
[[nodiscard]] request_trace multiply(const request_trace& trace, std::uint32_t times,
                                     std::size_t requests_max);

/// What has one stamp, spread evenly over the time to the next: stamps are of 3 s.
[[nodiscard]] request_trace spread_stamps(const request_trace& trace);

}  // namespace tandem::bench
