#include "actors/http_server/web_exchange.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include "actors/http_server/web_connection.hpp"

namespace tandem {

web_exchange::web_exchange(std::shared_ptr<web_memory> memory, std::shared_ptr<web_link> link)
    : memory_{std::move(memory)}, link_{std::move(link)} {}

web_exchange::~web_exchange() {
  memory_->give_back(unsent_);
}

void web_exchange::send(http_response answer) {
  // Destroyed without the lock: it may hold the last reference to a reply.
  std::function<void()> dropped;
  {
    std::lock_guard lock{mutex_};
    if (is_begun_ || is_complete_ || is_gone_) return;
    is_begun_ = is_complete_ = batch_.is_whole = true;
    // Without a body its length is said all the same.
    if (!has_body_ || memory_->take(answer.body.size())) {
      if (has_body_) unsent_ += answer.body.size();
      batch_.head = std::move(answer);
    }
    dropped = std::exchange(gone_, nullptr);
  }
  wake();
}

void web_exchange::begin(http_response head) {
  {
    std::lock_guard lock{mutex_};
    if (is_begun_ || is_complete_ || is_gone_) return;
    is_begun_ = true;
    batch_.head = std::move(head);
  }
  wake();
}

bool web_exchange::write(std::string piece) {
  bool is_taken = false;
  {
    std::lock_guard lock{mutex_};
    if (is_gone_ || is_complete_ || !is_begun_) return false;
    if (piece.empty() || !has_body_) return true;
    auto size = piece.size();
    auto is_slow = unsent_ > 0 && unsent_ + size > memory_->stream_bytes_max;
    if (!is_slow) batch_.pieces.push_back(std::move(piece));
    if (is_slow || !memory_->take(size)) {
      is_complete_ = is_overflown_ = batch_.is_overflown = true;
    } else {
      unsent_ += size;
    }
    is_taken = !is_overflown_;
  }
  wake();
  return is_taken;
}

void web_exchange::end() {
  std::function<void()> dropped;
  {
    std::lock_guard lock{mutex_};
    if (is_gone_ || is_complete_ || !is_begun_) return;
    is_complete_ = true;
    batch_.is_ended = true;
    dropped = std::exchange(gone_, nullptr);
  }
  wake();
}

void web_exchange::abandon() {
  {
    std::lock_guard lock{mutex_};
    if (is_gone_ || is_complete_) return;
    is_complete_ = true;
    batch_.is_cut = true;
  }
  wake();
}

void web_exchange::on_gone(std::function<void()> gone) {
  bool is_late = false;
  {
    std::lock_guard lock{mutex_};
    if (is_complete_ && !is_overflown_) return;
    is_late = is_gone_;
    if (!is_late) gone_ = std::move(gone);
  }
  if (!is_late) return;
  std::lock_guard lock{link_->mutex};
  if (link_->io != nullptr) boost::asio::post(*link_->io, std::move(gone));
}

void web_exchange::wake() {
  {
    std::lock_guard lock{mutex_};
    if (is_woken_) return;
    is_woken_ = true;
  }
  std::lock_guard lock{link_->mutex};
  if (link_->io == nullptr) return;
  try {
    boost::asio::post(*link_->io, [self = shared_from_this()] {
      if (self->owner_ != nullptr) self->owner_->deliver();
    });
  } catch (...) {
    // No memory: the connection finds it when it is looked at next.
    has_missed_wake_ = true;
  }
}

void web_exchange::start(web_connection* owner, bool has_body) {
  owner_ = owner;
  has_body_ = has_body;
}

web_exchange::batch web_exchange::take() {
  std::lock_guard lock{mutex_};
  is_woken_ = false;
  return std::exchange(batch_, {});
}

void web_exchange::sent(std::size_t bytes) {
  if (bytes == 0) return;
  std::lock_guard lock{mutex_};
  // Answers that the server gives in the service's place were never counted.
  bytes = std::min(bytes, unsent_);
  unsent_ -= bytes;
  memory_->give_back(bytes);
}

std::function<void()> web_exchange::finish() {
  batch dropped;
  std::function<void()> gone;
  std::lock_guard lock{mutex_};
  owner_ = nullptr;
  is_gone_ = true;
  memory_->give_back(std::exchange(unsent_, 0));
  dropped = std::exchange(batch_, {});
  gone = std::exchange(gone_, nullptr);
  if (is_complete_ && !is_overflown_) return nullptr;
  return gone;
}

}  // namespace tandem
