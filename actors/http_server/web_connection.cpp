#include "actors/http_server/web_connection.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/post.hpp>

namespace tandem {
namespace {

using error_code = boost::system::error_code;

/// A head, or requests that come before they are asked for.
constexpr std::size_t read_ahead_bytes = 16 * 1024;
constexpr int reads_per_turn = 16;
/// Clients at a time that are told that there is no place; beyond them sockets are just closed.
constexpr std::uint64_t turned_away_max = 64;
/// A body that comes slower than this, after the first read_timeout, is given up.
constexpr std::uint64_t body_bytes_per_ms_min = 4;
/// A refused request's body up to here is dropped and the connection kept.
constexpr std::uint64_t dropped_bytes_max = 64 * 1024;
constexpr std::size_t lingered_bytes_max = 1024 * 1024;

}  // namespace

web_connection::web_connection(web_loop& loop, socket_type socket, const tcp::endpoint& peer,
                               std::shared_ptr<SSL_CTX> tls)
    : loop_{loop},
      shared_{loop.shared},
      socket_{std::move(socket)},
      context_{std::move(tls)},
      transport_{socket_.native_handle(), context_.get()} {
  auto address = peer.address();
  if (address.is_v6() && address.to_v6().is_v4_mapped())
    address = boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped, address.to_v6());
  peer_ = address.to_string();
  is_loopback_ = address.is_loopback();
}

web_connection::~web_connection() {
  give_back_memory();
  uncount();
}

void web_connection::uncount() {
  if (!std::exchange(is_counted_, false)) return;
  --loop_.count;
  --(is_turned_away_ ? shared_.turned_away : shared_.connections);
}

void web_connection::start(bool turned_away) {
  if (turned_away) {
    is_turned_away_ = true;
    --shared_.connections;
    // TLS has no words for it before its handshake.
    if (++shared_.turned_away > turned_away_max || transport_.is_tls()) return close();
  }
  guarded([this, turned_away] {
    place_ = loop_.busy.insert(loop_.busy.end(), shared_from_this());
    list_ = &loop_.busy;
    loop_.watch();
    error_code ignored;
    socket_.non_blocking(true, ignored);
    socket_.set_option(tcp::no_delay{true}, ignored);
    if (turned_away) {
      auto answer = words_for(503, "too many connections");
      answer.close = true;
      return answer_now(std::move(answer));
    }
    deadline_ = std::chrono::steady_clock::now() + shared_.options.read_timeout;
    shake_hands();
  });
}

void web_connection::shake_hands() {
  switch (transport_.handshake()) {
    case web_transport::result::want_read:
      return wait_to_read();
    case web_transport::result::want_write:
      return wait_to_write();
    case web_transport::result::done:
      break;
    default:
      return close();
  }
  phase_ = phase::head;
  deadline_ = std::chrono::steady_clock::now() + shared_.options.idle_timeout;
  move_to(loop_.idle);
  // Most clients send with the connection's last packet.
  read_some();
  if (shared_.is_draining && phase_ == phase::head && !is_in_head()) close();
}

void web_connection::move_to(web_loop::connections& list) {
  if (list_ == nullptr) return;
  list.splice(list.end(), *list_, place_);
  list_ = &list;
  loop_.idle_count.store(loop_.idle.size(), std::memory_order_relaxed);
}

void web_connection::close() {
  if (phase_ == phase::closed) return;
  phase_ = phase::closed;
  auto self = shared_from_this();
  if (list_ != nullptr) {
    list_->erase(place_);
    list_ = nullptr;
    loop_.idle_count.store(loop_.idle.size(), std::memory_order_relaxed);
  }
  uncount();
  error_code ignored;
  socket_.close(ignored);
  if (parser_) loop_.give_back(std::move(parser_));
  parser_.reset();
  give_back_memory();
  end_exchange(true);
  out_ = {};
  in_ = {};
}

void web_connection::forget() {
  phase_ = phase::closed;
  list_ = nullptr;
  is_counted_ = false;
  give_back_memory();
  if (exchange_) static_cast<void>(exchange_->finish());
  exchange_.reset();
  error_code ignored;
  socket_.close(ignored);
}

void web_connection::give_back_memory() {
  shared_.memory->give_back(std::exchange(charged_, 0));
}

void web_connection::wait_to_read() {
  if (waits_to_read_ || phase_ == phase::closed) return;
  waits_to_read_ = true;
  socket_.async_wait(socket_type::wait_read, [self = shared_from_this()](error_code failure) {
    self->waits_to_read_ = false;
    if (failure || self->phase_ == phase::closed) return;
    self->guarded([&self] { self->on_readable(); });
  });
}

void web_connection::wait_to_write() {
  if (waits_to_write_ || phase_ == phase::closed) return;
  waits_to_write_ = true;
  socket_.async_wait(socket_type::wait_write, [self = shared_from_this()](error_code failure) {
    self->waits_to_write_ = false;
    if (failure || self->phase_ == phase::closed) return;
    self->guarded([&self] { self->on_writable(); });
  });
}

void web_connection::on_readable() {
  if (phase_ == phase::handshake) return shake_hands();
  read_some();
}

void web_connection::on_writable() {
  if (phase_ == phase::handshake) return shake_hands();
  if (phase_ == phase::answer || out_at_ < out_.size()) flush();
  read_some();
}

std::size_t web_connection::room_to_read() const {
  if (is_half_closed_) return 0;
  switch (phase_) {
    case phase::head:
    case phase::linger:
      return read_ahead_bytes;
    case phase::body: {
      auto left = parser_ ? parser_->body_left() : 0;
      return static_cast<std::size_t>(
          std::clamp<std::uint64_t>(left, read_ahead_bytes, web_loop::scratch_bytes));
    }
    case phase::answer:
      return in_.size() < read_ahead_bytes ? read_ahead_bytes - in_.size() : 0;
    default:
      return 0;
  }
}

void web_connection::read_some() {
  for (int turn = 0; turn < reads_per_turn; ++turn) {
    auto room = room_to_read();
    if (room == 0) return;
    auto got = transport_.read(loop_.scratch.data(), room);
    switch (got.at) {
      case web_transport::result::done:
        break;
      case web_transport::result::want_read:
        return wait_to_read();
      case web_transport::result::want_write:
        return wait_to_write();
      case web_transport::result::end:
        return on_end();
      case web_transport::result::failed:
        return client_left();
    }
    shared_.bytes_in.fetch_add(got.bytes, std::memory_order_relaxed);
    take({loop_.scratch.data(), got.bytes});
    if (phase_ == phase::closed) return;
    // Another read would most likely find nothing.
    if (got.bytes < room && !transport_.has_pending()) return wait_to_read();
  }
  // The others' turn.
  boost::asio::post(loop_.io, [self = shared_from_this()] {
    if (self->phase_ != phase::closed) self->guarded([&self] { self->read_some(); });
  });
}

void web_connection::take(std::string_view bytes) {
  switch (phase_) {
    case phase::head:
    case phase::body:
      return process(bytes);
    case phase::answer:
      in_.append(bytes);
      return;
    case phase::linger:
      lingered_ += bytes.size();
      if (lingered_ > lingered_bytes_max) close();
      return;
    default:
      return;
  }
}

/// As many requests as are here and can be answered at once.
void web_connection::process(std::string_view bytes) {
  std::string held;
  if (!in_.empty()) {
    held = std::move(in_);
    in_.clear();
    held.append(bytes);
    bytes = held;
  }
  is_processing_ = true;
  while ((phase_ == phase::head || phase_ == phase::body) && read_request(bytes)) {
  }
  is_processing_ = false;
  if (bytes.empty() || phase_ == phase::closed || phase_ == phase::linger) {
    in_ = {};
    return;
  }
  if (held.empty()) {
    in_.assign(bytes);
  } else {
    held.erase(0, held.size() - bytes.size());
    in_ = std::move(held);
  }
}

/// One step of it; false: needs more.
bool web_connection::read_request(std::string_view& bytes) {
  if (phase_ == phase::head) {
    if (bytes.empty()) return false;
    if (!parser_) {
      parser_ = loop_.borrow_parser();
      // From its first byte to its last, however many come in between.
      deadline_ = std::chrono::steady_clock::now() + shared_.options.read_timeout;
      move_to(loop_.busy);
    }
  }
  auto used = parser_->feed(bytes);
  bytes.remove_prefix(used);
  if (parser_->at() == request_parser::state::refused) {
    auto why = parser_->why();
    refuse(why.status, why.why);
    return false;
  }
  if (phase_ == phase::head) {
    if (parser_->at() == request_parser::state::head) return false;
    on_head(!bytes.empty());
    return phase_ == phase::head || phase_ == phase::body;
  }
  on_body_bytes();
  if (phase_ != phase::body) return phase_ == phase::head;
  if (parser_->at() != request_parser::state::done) return false;
  on_request();
  return phase_ == phase::head;
}

void web_connection::on_head(bool has_more) {
  shared_.requests.fetch_add(1, std::memory_order_relaxed);
  const auto& head = parser_->head();
  auto& request = parser_->request();
  request.peer = peer_;
  request.is_loopback = is_loopback_;
  request.is_tls = transport_.is_tls();
  is_old_ = head.minor_version == 0;
  is_last_ = head.is_last;
  keep_alive_ = head.keep_alive;
  is_head_request_ = request.method == "HEAD";
  auto has_body = head.has_body();
  auto expects = head.expects_continue && has_body && !has_more;
  phase_ = phase::body;
  body_since_ = std::chrono::steady_clock::now();
  deadline_ = body_since_ + shared_.options.read_timeout;
  if (auto refusal = shared_.service->look_at_head(request)) {
    if (has_body && (expects || head.is_chunked || head.content_length > dropped_bytes_max)) {
      refusal->close = true;
      return answer_now(std::move(*refusal));
    }
    refusal_ = std::make_unique<http_response>(std::move(*refusal));
    parser_->drop_body();
  } else if (expects) {
    text_segment().append("HTTP/1.1 100 Continue\r\n\r\n");
    flush();
  }
  if (phase_ == phase::body && !has_body) on_request();
}

void web_connection::on_body_bytes() {
  auto now = std::chrono::steady_clock::now();
  auto slowest = body_since_ + shared_.options.read_timeout +
                 std::chrono::milliseconds{parser_->body_bytes() / body_bytes_per_ms_min};
  deadline_ = std::min(now + shared_.options.read_timeout, slowest);
  auto bytes = parser_->request().body.size();
  if (bytes <= charged_) return;
  if (shared_.memory->take(bytes - charged_)) {
    charged_ = bytes;
    return;
  }
  parser_->drop_body();
  refuse(503, "too many bytes are being read and sent");
}

void web_connection::on_request() {
  auto parser = std::move(parser_);
  auto request = std::move(parser->request());
  loop_.give_back(std::move(parser));
  if (refusal_) {
    auto refusal = std::move(refusal_);
    return answer_now(std::move(*refusal));
  }
  phase_ = phase::answer;
  deadline_ = time_point::max();
  exchange_ = std::make_shared<web_exchange>(shared_.memory, loop_.link);
  exchange_->start(this, !is_head_request_);
  has_begun_ = is_ended_ = is_cut_ = false;
  // Before the try: without a reply nobody would ever answer.
  auto reply = std::make_shared<web_reply>(exchange_);
  // An exception drops the reply, which answers 500.
  try {
    shared_.service->on_request(std::move(request), std::move(reply));
  } catch (...) {
  }
  deliver();
}

/// The next request may be here already. Where the socket is watched, it will say so itself: a read
/// would find nothing but what OpenSSL holds.
void web_connection::resume() {
  if (!in_.empty()) process({});
  if (phase_ != phase::closed && (!waits_to_read_ || transport_.has_pending())) read_some();
}

/// Who waits for an answer and shuts down its side has left: what a client that goes away does
/// looks the same, and its job is to be cancelled. Only where no other request could come does it
/// mean just that.
void web_connection::on_end() {
  if (phase_ == phase::answer && is_last_) {
    is_half_closed_ = true;
    return;
  }
  client_left();
}

void web_connection::look(time_point now) {
  if (phase_ == phase::closed) return;
  guarded([this, now] {
    if (is_due(now)) return on_timeout();
    if (phase_ != phase::answer) return;
    if (exchange_ && exchange_->take_missed_wake()) return deliver();
    // Nothing is read, so nobody else notices.
    if (is_half_closed_ ? transport_.is_reset()
                        : room_to_read() == 0 && transport_.is_closed_by_peer())
      client_left();
  });
}

void web_connection::on_timeout() {
  switch (phase_) {
    case phase::head:
      return is_in_head() ? refuse(408, "the request's head did not come in time") : close();
    case phase::body:
      return refuse(408, "the request's body did not come in time");
    case phase::answer:
      return give_up();
    default:
      return close();
  }
}

}  // namespace tandem
