// Answering and writing of web_connection.
#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include <sys/socket.h>

#include "actors/http_server/answer_head.hpp"
#include "actors/http_server/web_connection.hpp"

namespace tandem {
namespace {

/// Copied behind the head, which costs less than a second buffer.
constexpr std::size_t copied_bytes_max = 4 * 1024;
/// A text takes small pieces up to here.
constexpr std::size_t text_bytes_max = 16 * 1024;
/// So much has to go in a write_timeout, or all.
constexpr std::size_t written_bytes_min = 16 * 1024;
constexpr std::size_t parts_per_write = 64;
constexpr std::size_t segments_kept_max = 4;
constexpr std::chrono::seconds linger_limit{2};

}  // namespace

http_response web_connection::words_for(unsigned status, std::string_view why) {
  http_response out;
  try {
    out = shared_.service->refuse(status, why);
  } catch (...) {
    out.content_type.clear();
  }
  out.status = status;
  if (status == 503 && std::none_of(out.headers.begin(), out.headers.end(), [](const auto& each) {
        return equals_ignoring_case(each.first, "retry-after");
      }))
    out.headers.emplace_back("Retry-After", "1");
  return out;
}

void web_connection::refuse(unsigned status, std::string_view why) {
  if (status != 503) shared_.malformed.fetch_add(1, std::memory_order_relaxed);
  // Of a request that could not be read nothing is known.
  if (phase_ == phase::head) is_old_ = is_head_request_ = false;
  is_last_ = true;
  auto answer = words_for(status, why);
  answer.close = true;
  answer_now(std::move(answer));
}

void web_connection::answer_now(http_response answer) {
  if (parser_) loop_.give_back(std::move(parser_));
  parser_.reset();
  refusal_.reset();
  phase_ = phase::answer;
  deadline_ = time_point::max();
  is_ended_ = true;
  is_cut_ = false;
  render(answer, true);
  flush();
}

void web_connection::deliver() {
  if (!exchange_ || phase_ != phase::answer) return;
  auto self = shared_from_this();
  guarded([this] {
    auto batch = exchange_->take();
    if (batch.is_overflown) return give_up();
    if (batch.is_whole && !batch.head)
      batch.head = words_for(503, "too many bytes are being read and sent");
    if (batch.is_cut && !has_begun_ && !batch.head) {
      batch.head.emplace(words_for(500, "the request was not answered"));
      batch.is_whole = true;
    }
    if (batch.head) render(*batch.head, batch.is_whole);
    for (auto& each : batch.pieces) render_piece(std::move(each));
    if (batch.is_whole) {
      is_ended_ = true;
    } else if (batch.is_ended) {
      if (is_chunked_ && has_body_) text_segment().append("0\r\n\r\n");
      is_ended_ = true;
    } else if (batch.is_cut) {
      is_cut_ = true;
    }
    // Of a stream that has no body the head is all: what is to come is for nobody.
    if (has_begun_ && !has_body_) is_ended_ = true;
    flush();
  });
}

void web_connection::render(http_response& answer, bool is_whole) {
  has_begun_ = true;
  if (answer.close || shared_.is_draining.load(std::memory_order_relaxed)) keep_alive_ = false;
  auto has_body = has_answer_body(answer.status);
  auto bytes = answer.fixed.empty() ? std::string_view{answer.body} : answer.fixed;
  answer_frame frame;
  frame.is_old = is_old_;
  if (!has_body) {
    frame.framing = answer_framing::none;
  } else if (is_whole) {
    frame.framing = answer_framing::length;
    frame.length = bytes.size();
  } else if (!is_old_) {
    frame.framing = answer_framing::chunked;
  } else {
    frame.framing = answer_framing::until_close;
    keep_alive_ = false;
  }
  frame.keep_alive = keep_alive_;
  is_chunked_ = frame.framing == answer_framing::chunked;
  has_body_ = has_body && !is_head_request_;
  auto& text = text_segment();
  render_head(text, answer, frame, loop_.date());
  auto charge = exchange_ && is_whole && !is_head_request_ ? answer.body.size() : 0;
  if (!is_whole || !has_body_ || bytes.empty()) {
    out_.back().charge += charge;
  } else if (bytes.size() <= copied_bytes_max) {
    text.append(bytes);
    out_.back().charge += charge;
  } else {
    out_.push_back(
        {answer.fixed.empty() ? std::move(answer.body) : std::string{}, answer.fixed, charge});
  }
}

void web_connection::render_piece(std::string piece) {
  auto size = piece.size();
  if (!has_body_) {
    if (exchange_) exchange_->sent(size);
    return;
  }
  if (is_chunked_) {
    std::array<char, 20> number;
    auto* end = std::to_chars(number.data(), number.data() + number.size(), size, 16).ptr;
    text_segment().append(number.data(), end).append("\r\n");
  }
  if (size <= copied_bytes_max) {
    text_segment().append(piece);
    out_.back().charge += size;
  } else {
    out_.push_back({std::move(piece), {}, size});
  }
  if (is_chunked_) text_segment().append("\r\n");
}

std::string& web_connection::text_segment() {
  auto is_open =
      out_at_ < out_.size() && out_.back().is_text && out_.back().own.size() < text_bytes_max;
  if (!is_open) out_.push_back({loop_.borrow_text(), {}, 0, true});
  return out_.back().own;
}

void web_connection::flush() {
  while (out_at_ < out_.size())
    if (!write_some()) return;
  out_.clear();
  out_at_ = 0;
  if (out_.capacity() > segments_kept_max) out_ = {};
  if (phase_ != phase::answer) return;
  if (is_ended_) return on_answered();
  if (is_cut_) return cut();
  deadline_ = time_point::max();
  if (!is_half_closed_) wait_to_read();
}

/// False: no more now.
bool web_connection::write_some() {
  std::array<std::string_view, parts_per_write> parts;
  std::size_t count = 0;
  for (auto i = out_at_; i < out_.size() && count < parts.size(); ++i) {
    parts[count++] = out_[i].rest();
  }
  auto done = transport_.write({parts.data(), count});
  shared_.bytes_out.fetch_add(done.bytes, std::memory_order_relaxed);
  forget_sent(done.bytes);
  if (done.at == web_transport::result::failed || done.at == web_transport::result::end) {
    client_left();
    return false;
  }
  if (done.at == web_transport::result::done) return true;
  written_ += done.bytes;
  if (phase_ == phase::answer &&
      (deadline_ == time_point::max() || written_ >= written_bytes_min)) {
    deadline_ = std::chrono::steady_clock::now() + shared_.options.write_timeout;
    written_ = 0;
  }
  wait_to_write();
  if (phase_ == phase::answer && !is_half_closed_) wait_to_read();
  return false;
}

void web_connection::forget_sent(std::size_t bytes) {
  for (; out_at_ < out_.size(); ++out_at_) {
    auto& each = out_[out_at_];
    auto left = each.rest().size();
    auto part = std::min(bytes, left);
    each.sent += part;
    bytes -= part;
    if (part < left) break;
    if (exchange_) exchange_->sent(each.charge);
    if (each.is_text) loop_.give_back(std::move(each.own));
    each = {};
  }
  if (out_at_ < parts_per_write || out_at_ == out_.size()) return;
  out_.erase(out_.begin(), out_.begin() + static_cast<std::ptrdiff_t>(out_at_));
  out_at_ = 0;
}

void web_connection::on_answered() {
  end_exchange(false);
  give_back_memory();
  if (!keep_alive_ || shared_.is_draining.load(std::memory_order_relaxed) || is_half_closed_)
    return linger();
  phase_ = phase::head;
  deadline_ = std::chrono::steady_clock::now() + shared_.options.idle_timeout;
  move_to(loop_.idle);
  // Of an answer that came later than its request: nobody else looks what is here already.
  if (!is_processing_) resume();
}

/// A socket that is closed with bytes unread resets the connection, and the client may never see
/// the answer: so they are read until the client closes too.
void web_connection::linger() {
  transport_.finish();
  if (is_half_closed_) return close();
  phase_ = phase::linger;
  deadline_ = std::chrono::steady_clock::now() + linger_limit;
  move_to(loop_.busy);
  in_ = {};
  wait_to_read();
}

/// Without its last chunk the client sees that. Where nothing says how long it is only a reset
/// does.
void web_connection::cut() {
  if (!is_chunked_) return give_up();
  end_exchange(false);
  close();
}

void web_connection::give_up() {
  ::linger hard{1, 0};
  ::setsockopt(socket_.native_handle(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  client_left();
}

void web_connection::client_left() {
  if (phase_ == phase::closed) return;
  close();
}

/// `has_left`: before the end of its answer. Who still has something to say hears that nobody
/// listens, also where the answer had no body to say it in.
void web_connection::end_exchange(bool has_left) {
  if (!exchange_) return;
  auto exchange = std::move(exchange_);
  exchange_.reset();
  if (has_left) shared_.left.fetch_add(1, std::memory_order_relaxed);
  auto gone = exchange->finish();
  if (!gone) return;
  try {
    gone();
  } catch (...) {
  }
}

}  // namespace tandem
