#include "actors/weights/fetch_core.hpp"

#include <algorithm>
#include <utility>

#include "schema/errc.hpp"

namespace tandem {
namespace {

/// Of all chunks in memory.
constexpr std::size_t memory_max = std::size_t{32} * 1024 * 1024;
constexpr std::size_t requests_min = 2;
constexpr std::uint64_t bursts_per_s = 50;
constexpr std::chrono::milliseconds report_pause{200};

picker_limits limits_of(const version_fetch_options& options) {
  picker_limits out;
  out.requests_max = std::max<std::size_t>(1, options.requests_max);
  out.requests_per_peer_max = std::max<std::size_t>(1, options.requests_per_peer_max);
  return out;
}

}  // namespace

fetch_core::fetch_core(std::shared_ptr<version_store> store, const weight_hash& hash,
                       const version_fetch_options& options, std::uint64_t seed,
                       version_fetch::events report)
    : store_{std::move(store)},
      hash_{hash},
      options_{options},
      report_{std::move(report)},
      picker_{limits_of(options), seed},
      limit_{options.bytes_per_s, options.bytes_per_s / bursts_per_s} {}

void fetch_core::start(http_loop& loop) {
  loop_ = &loop;
  on_worker([self = shared_from_this()] {
    prepared found;
    auto bytes = self->store_->manifest_bytes(self->hash_);
    if (bytes)
      found = self->prepare(*bytes);
    else
      found.is_unknown = true;
    self->on_loop([self, found = std::move(found)] { self->ready(found); });
  });
}

void fetch_core::stop() {
  stopped_ = true;
  worker_.stop();
}

void fetch_core::on_loop(std::function<void()> function) {
  loop_->call_after(std::chrono::milliseconds{0}, std::move(function));
}

void fetch_core::on_worker(std::function<void()> function) {
  worker_.post(std::move(function));
}

fetch_core::prepared fetch_core::prepare(const std::string& manifest_bytes) const {
  prepared out;
  if (store_->is_complete(hash_)) {
    out.is_complete = true;
    return out;
  }
  out.failure = store_->begin(manifest_bytes);
  if (out.failure) return out;
  auto manifest = store_->manifest(hash_);
  if (!manifest) {
    out.failure = std::move(manifest.error());
    return out;
  }
  out.manifest = std::move(*manifest);
  out.have = store_->have(hash_);
  if (!options_.deltas) return out;
  out.base = store_->base_for(out.manifest);
  if (!out.base) return out;
  if (auto base = store_->manifest(*out.base))
    out.base_manifest = std::move(*base);
  else
    out.base.reset();
  return out;
}

void fetch_core::ready(prepared found) {
  if (is_over()) return;
  if (found.failure || found.is_complete) return end(found.failure);
  if (found.is_unknown) {
    phase_ = phase::manifest;
    return pump();
  }
  manifest_ = std::move(found.manifest);
  base_ = found.base;
  base_manifest_ = std::move(found.base_manifest);
  picker_.pieces(manifest_.chunk_count(), found.have,
                 std::max(requests_min, memory_max / std::max(1u, manifest_.chunk_bytes)));
  for (std::size_t i = 0; i < manifest_.chunk_count(); ++i)
    if (picker_.is_here(i)) done_bytes_ += manifest_.place(i).bytes;
  had_bytes_ = done_bytes_;
  phase_ = phase::chunks;
  pump();
}

void fetch_core::peers(std::vector<chunk_peer> all) {
  on_loop([self = shared_from_this(), all = std::move(all)]() mutable {
    if (self->is_over()) return;
    std::vector<piece_picker::peer> said;
    self->complete_at_.clear();
    for (auto& each : all) {
      self->complete_at_.emplace(each.node, std::move(each.complete));
      said.push_back({std::move(each.node), std::move(each.url), std::move(each.have)});
    }
    self->picker_.peers(std::move(said));
    self->pump();
  });
}

void fetch_core::pump() {
  if (is_over()) return;
  if (phase_ == phase::manifest) pump_manifest();
  if (phase_ == phase::chunks) pump_chunks();
  if (is_over() || picker_.running() > 0 || phase_ == phase::finishing ||
      phase_ == phase::preparing || phase_ == phase::looking || !picker_.all_avoided())
    return;
  std::string names;
  for (const auto& each : picker_.avoided()) names += "\n  " + each;
  end(make_error(errc::unavailable,
                 "nobody is left who could give version " + to_hex(hash_) + ":" + names));
}

void fetch_core::pump_manifest() {
  if (picker_.running() > 0) return;
  if (auto request = picker_.next_peer(clock::now())) return ask_manifest(*request);
  wake_at(picker_.wake_at());
}

void fetch_core::pump_chunks() {
  if (picker_.missing() == 0) return finish();
  auto now = clock::now();
  if (began_ == clock::time_point{}) began_ = now;
  for (;;) {
    if (limit_.is_limited() && limit_.ready_at() > now) return wake_at(limit_.ready_at());
    auto request = picker_.next(now);
    if (!request) return wake_at(picker_.wake_at());
    ask(*request, true);
  }
}

void fetch_core::wake_at(clock::time_point at) {
  if (at >= timer_at_) return;
  timer_at_ = at;
  auto pause = std::chrono::ceil<std::chrono::milliseconds>(at - clock::now());
  loop_->call_after(std::max(pause, std::chrono::milliseconds{0}), [self = shared_from_this(), at] {
    if (self->timer_at_ == at) self->timer_at_ = clock::time_point::max();
    self->pump();
  });
}

fetch_progress fetch_core::progress() const {
  fetch_progress out;
  out.done_bytes = done_bytes_;
  out.total_bytes = manifest_.bytes();
  out.moved_bytes = moved_bytes_;
  std::chrono::duration<double> took = clock::now() - began_;
  if (began_ != clock::time_point{} && took.count() > 0)
    out.bytes_per_s = static_cast<double>(done_bytes_ - had_bytes_) / took.count();
  out.avoided = picker_.avoided();
  return out;
}

void fetch_core::report_progress() {
  auto now = clock::now();
  if (!report_.on_progress || now - reported_ < report_pause) return;
  reported_ = now;
  report_.on_progress(progress());
}

void fetch_core::finish() {
  if (picker_.running() > 0) return;
  phase_ = phase::finishing;
  on_worker([self = shared_from_this()] {
    auto failure = self->store_->finish(self->hash_);
    self->on_loop([self, failure] { self->end(failure); });
  });
}

void fetch_core::end(const caf::error& failure) {
  if (is_over()) return;
  ended_ = true;
  for (const auto& [ticket, each] : transfers_)
    if (each.exchange != 0) loop_->cancel(each.exchange);
  buffers_.clear();
  // It may be the end of this object's owner.
  auto on_end = std::exchange(report_.on_end, nullptr);
  if (on_end) on_end(failure, progress());
}

}  // namespace tandem
