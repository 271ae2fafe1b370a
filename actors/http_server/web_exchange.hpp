#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "actors/http_server/http_service.hpp"

namespace boost::asio {
class io_context;
}

namespace tandem {

class web_connection;

/// Bytes that the server holds for its clients, all connections together. Outlives the server as
/// long as a reply does.
struct web_memory {
  std::size_t bytes_max = 0;
  std::size_t stream_bytes_max = 0;
  std::atomic<std::size_t> bytes{0};

  /// False: too many; nothing is taken.
  [[nodiscard]] bool take(std::size_t more) {
    if (bytes.fetch_add(more, std::memory_order_relaxed) + more <= bytes_max) return true;
    give_back(more);
    return false;
  }
  void give_back(std::size_t less) { bytes.fetch_sub(less, std::memory_order_relaxed); }
};

/// The way to a loop's thread from others. `io` is null once the server is gone.
struct web_link {
  std::mutex mutex;
  boost::asio::io_context* io = nullptr;
};

/// One answer on its way from whoever gives it to the connection's thread. Pieces are left here;
/// the first one wakes that thread, the others up to its coming are taken along.
class web_exchange : public std::enable_shared_from_this<web_exchange> {
 public:
  /// What has been given since the last look.
  struct batch {
    std::optional<http_response> head;
    /// `head` is the whole answer; none: there is no memory for it.
    bool is_whole = false;
    std::vector<std::string> pieces;
    bool is_ended = false;
    /// Nobody holds the reply any more, and the answer is not complete.
    bool is_cut = false;
    /// The client does not read, or there is no memory: the answer ends here.
    bool is_overflown = false;
  };

  web_exchange(std::shared_ptr<web_memory> memory, std::shared_ptr<web_link> link);
  ~web_exchange();
  web_exchange(const web_exchange&) = delete;
  web_exchange& operator=(const web_exchange&) = delete;

  /// From any thread; see http_reply.
  void send(http_response answer);
  void begin(http_response head);
  bool write(std::string piece);
  void end();
  void on_gone(std::function<void()> gone);
  void abandon();

  /// On the connection's thread. Until the first `take` nobody wakes it.
  void start(web_connection* owner, bool has_body);
  [[nodiscard]] web_connection* owner() const { return owner_; }
  [[nodiscard]] batch take();
  void sent(std::size_t bytes);
  [[nodiscard]] bool take_missed_wake() { return has_missed_wake_.exchange(false); }
  /// The client is gone, or has its answer: nothing goes out any more. What is to be called, if
  /// the answer was not complete.
  [[nodiscard]] std::function<void()> finish();

 private:
  void wake();

  std::shared_ptr<web_memory> memory_;
  std::shared_ptr<web_link> link_;
  web_connection* owner_ = nullptr;
  std::mutex mutex_;
  batch batch_;
  std::function<void()> gone_;
  /// Of pieces, here and at the connection.
  std::size_t unsent_ = 0;
  bool has_body_ = true;
  bool is_begun_ = false;
  /// The service has nothing more to say.
  bool is_complete_ = false;
  bool is_overflown_ = false;
  bool is_gone_ = false;
  bool is_woken_ = true;
  std::atomic<bool> has_missed_wake_{false};
};

/// What the service holds of it.
class web_reply final : public http_reply {
 public:
  explicit web_reply(std::shared_ptr<web_exchange> exchange) : exchange_{std::move(exchange)} {}
  ~web_reply() override { exchange_->abandon(); }
  void send(http_response answer) override { exchange_->send(std::move(answer)); }
  void begin(http_response head) override { exchange_->begin(std::move(head)); }
  bool write(std::string piece) override { return exchange_->write(std::move(piece)); }
  void end() override { exchange_->end(); }
  void on_gone(std::function<void()> gone) override { exchange_->on_gone(std::move(gone)); }

 private:
  std::shared_ptr<web_exchange> exchange_;
};

}  // namespace tandem
