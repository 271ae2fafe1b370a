#pragma once

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/http/http_loop.hpp"
#include "actors/weights/chunk_download.hpp"
#include "actors/weights/piece_picker.hpp"
#include "actors/weights/rate_limit.hpp"
#include "actors/weights/version_fetch.hpp"
#include "actors/weights/work_thread.hpp"

namespace tandem {

/// What a version_fetch does, step by step: first the manifest, then the chunks, then the end. All
/// of it on the loop's thread but for what touches the disk, which its worker does.
class fetch_core : public std::enable_shared_from_this<fetch_core> {
 public:
  using clock = std::chrono::steady_clock;

  fetch_core(std::shared_ptr<version_store> store, const weight_hash& hash,
             const version_fetch_options& options, std::uint64_t seed,
             version_fetch::events report);

  /// `loop` lives until stop() has returned.
  void start(http_loop& loop);
  /// From any thread: nothing is reported from then on.
  void stop();
  void peers(std::vector<chunk_peer> all);

 private:
  struct transfer {
    piece_picker::request request;
    bool is_delta = false;
    /// 0: it has come, and is being written.
    std::uint64_t exchange = 0;
  };
  /// What the worker finds before the first chunk is asked for.
  struct prepared {
    caf::error failure;
    /// No manifest here: the peers are asked.
    bool is_unknown = false;
    bool is_complete = false;
    weight_manifest manifest;
    std::vector<std::uint8_t> have;
    std::optional<weight_hash> base;
    weight_manifest base_manifest;
  };

  void on_loop(std::function<void()> function);
  void on_worker(std::function<void()> function);
  [[nodiscard]] prepared prepare(const std::string& manifest_bytes) const;
  void ready(prepared found);

  void pump();
  void pump_manifest();
  void pump_chunks();
  void wake_at(clock::time_point at);

  void ask_manifest(const piece_picker::request& request);
  void manifest_came(std::uint64_t ticket, chunk_download::result result);
  void ask(const piece_picker::request& request, bool may_be_delta);
  [[nodiscard]] bool has_delta(const piece_picker::request& request) const;
  void came(std::uint64_t ticket, chunk_download::result result);
  void delta_came(std::uint64_t ticket, chunk_download::result& result);
  void write(std::uint64_t ticket, std::vector<std::uint8_t> body, bool is_delta);
  void written(std::uint64_t ticket, const caf::error& failure);
  /// The request ends without its piece.
  void lost(std::uint64_t ticket, const chunk_download::result& result);

  [[nodiscard]] std::shared_ptr<http_endpoint> endpoint(const std::string& url) const;
  [[nodiscard]] std::string name_of(std::size_t piece) const;
  [[nodiscard]] std::vector<std::uint8_t> take_buffer();
  void give_back(std::vector<std::uint8_t> buffer);
  [[nodiscard]] fetch_progress progress() const;
  void report_progress();
  void finish();
  void end(const caf::error& failure);
  [[nodiscard]] bool is_over() const { return ended_ || stopped_.load(); }

  const std::shared_ptr<version_store> store_;
  const weight_hash hash_;
  const version_fetch_options options_;
  version_fetch::events report_;
  http_loop* loop_ = nullptr;
  std::atomic<bool> stopped_{false};

  enum class phase { looking, manifest, preparing, chunks, finishing } phase_ = phase::looking;
  bool ended_ = false;
  piece_picker picker_;
  rate_limit limit_;
  std::map<std::uint64_t, transfer> transfers_;
  std::map<std::string, std::vector<weight_hash>> complete_at_;
  std::vector<std::vector<std::uint8_t>> buffers_;
  weight_manifest manifest_;
  std::optional<weight_hash> base_;
  weight_manifest base_manifest_;
  /// In a row.
  std::size_t useless_deltas_ = 0;
  clock::time_point timer_at_ = clock::time_point::max();
  clock::time_point began_{};
  clock::time_point reported_{};
  std::uint64_t done_bytes_ = 0;
  std::uint64_t had_bytes_ = 0;
  std::uint64_t moved_bytes_ = 0;
  work_thread worker_;
};

}  // namespace tandem
