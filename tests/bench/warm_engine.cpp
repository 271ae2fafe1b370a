#include "tests/bench/warm_engine.hpp"

#include <algorithm>

namespace tandem::bench {

std::size_t warm_engine::had() const {
  return timed.cached({.at_s = 0, .input = 0, .output = 0, .blocks = blocks_});
}

double warm_engine::begin(std::uint64_t number, std::vector<std::uint64_t> blocks, double now_s) {
  replay_ = number;
  blocks_ = std::move(blocks);
  since_s_ = now_s;
  auto missing = blocks_.size() - had();
  return now_s + static_cast<double>(missing * trace_block_tokens) / timed.speed();
}

std::uint64_t warm_engine::stop(double now_s) {
  if (replay_ == 0) return 0;
  auto read = (now_s - since_s_) * timed.speed() / trace_block_tokens;
  return keep(std::min(had() + static_cast<std::size_t>(read), blocks_.size()), now_s);
}

std::uint64_t warm_engine::keep(std::size_t blocks, double now_s) {
  auto before = std::min(had(), blocks);
  traced_request read{.at_s = since_s_, .input = 0, .output = 0, .blocks = blocks_};
  read.blocks.resize(blocks);
  for (auto i = before; i < blocks; ++i) unused_[blocks_[i]] = now_s;
  (void)timed.serve(read, since_s_);
  timed.clear_backlog(now_s);
  replay_ = 0;
  return (blocks - before) * trace_block_tokens;
}

std::uint64_t warm_engine::use(const traced_request& call, std::size_t cached, double window_s,
                               double now_s) {
  std::uint64_t tokens = 0;
  for (std::size_t i = 0; i < cached && !unused_.empty(); ++i) {
    auto found = unused_.find(call.blocks[i]);
    if (found == unused_.end()) continue;
    if (now_s <= found->second + window_s) tokens += trace_block_tokens;
    unused_.erase(found);
  }
  return tokens;
}

}  // namespace tandem::bench
