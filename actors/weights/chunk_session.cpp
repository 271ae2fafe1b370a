#include "actors/weights/chunk_session.hpp"

#include <algorithm>
#include <sstream>
#include <utility>

#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/write.hpp>

#include "actors/weights/chunk_delta.hpp"

namespace tandem {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;

constexpr std::chrono::seconds handshake_limit{10};
/// From request to request, and for each slice of an answer.
constexpr std::chrono::seconds idle_limit{30};
constexpr std::chrono::seconds close_limit{2};
constexpr std::uint64_t chunks_per_request_max = 4;

/// Of a byte that is in the file.
std::size_t chunk_at(const weight_manifest& manifest, std::size_t file, std::uint64_t offset) {
  std::size_t before = 0;
  for (std::size_t i = 0; i < file; ++i) before += manifest.files[i].chunks.size();
  return before + static_cast<std::size_t>(offset / manifest.chunk_bytes);
}

}  // namespace

chunk_session::chunk_session(tcp::socket socket, std::shared_ptr<asio::ssl::context> tls,
                             std::shared_ptr<chunk_service> service)
    : tls_{std::move(tls)},
      stream_{std::move(socket), *tls_},
      timer_{stream_.get_executor()},
      service_{std::move(service)} {
  ++service_->sessions;
}

chunk_session::~chunk_session() {
  --service_->sessions;
}

void chunk_session::start() {
  asio::dispatch(stream_.get_executor(), [self = shared_from_this()] { self->handshake(); });
}

void chunk_session::handshake() {
  error_code ignored;
  stream_.next_layer().set_option(tcp::no_delay{true}, ignored);
  touch(handshake_limit);
  watch();
  stream_.async_handshake(asio::ssl::stream_base::server,
                          [self = shared_from_this()](error_code failure) {
                            if (failure) return self->close();
                            self->read_head();
                          });
}

void chunk_session::touch(std::chrono::seconds limit) {
  deadline_ = std::chrono::steady_clock::now() + limit;
}

/// One timer for the whole connection that looks whether the deadline has moved: setting one for
/// every write would cost more than the write's encryption.
void chunk_session::watch() {
  timer_.expires_at(deadline_);
  timer_.async_wait([weak = weak_from_this()](error_code failure) {
    auto self = weak.lock();
    if (failure || !self) return;
    if (self->deadline_ > std::chrono::steady_clock::now()) return self->watch();
    self->stream_.next_layer().close(failure);
  });
}

void chunk_session::read_head() {
  touch(idle_limit);
  asio::async_read_until(stream_, asio::dynamic_buffer(in_, chunk_request_bytes_max), "\r\n\r\n",
                         [self = shared_from_this()](error_code failure, std::size_t bytes) {
                           constexpr unsigned too_large = 431;
                           if (failure == asio::error::not_found) return self->refuse(too_large);
                           if (failure) return self->close();
                           auto request =
                               read_chunk_request(std::string_view{self->in_}.substr(0, bytes));
                           self->in_.erase(0, bytes);
                           self->answer(request);
                         });
}

void chunk_session::answer(const chunk_request& request) {
  touch(idle_limit);
  keep_alive_ = request.keep_alive;
  head_only_ = request.head_only;
  to_come_ = 0;
  if (request.refused != 0) return refuse(request.refused);
  version_ = service_->manifests.get(request.hash);
  if (!version_) return refuse(404);
  switch (request.what) {
    case chunk_request::kind::manifest:
      return answer_manifest(request);
    case chunk_request::kind::file:
      return answer_file(request);
    case chunk_request::kind::delta:
      return answer_delta(request);
  }
}

void chunk_session::answer_manifest(const chunk_request&) {
  left_ = version_->bytes;
  send_head(200, left_.size(), {});
}

void chunk_session::answer_file(const chunk_request& request) {
  const auto& manifest = version_->manifest;
  if (request.number >= manifest.files.size()) return refuse(404);
  auto size = manifest.files[request.number].bytes;
  auto refuse_range = [&] {
    refuse(416, "Content-Range: bytes */" + std::to_string(size) + "\r\n");
  };
  if (!request.has_range || request.last >= size ||
      request.last - request.first >= chunks_per_request_max * manifest.chunk_bytes)
    return refuse_range();
  chunk_ = chunk_at(manifest, request.number, request.first);
  auto last_chunk = chunk_at(manifest, request.number, request.last);
  for (auto i = chunk_; i <= last_chunk; ++i)
    if (!service_->store->has_chunk(version_->hash, i)) return refuse_range();
  if (service_->store->read(version_->hash, chunk_, piece_)) return refuse_range();
  auto length = request.last - request.first + 1;
  auto offset = static_cast<std::size_t>(request.first % manifest.chunk_bytes);
  if (piece_.size() <= offset) return refuse_range();
  left_ = {reinterpret_cast<const char*>(piece_.data()) + offset,
           static_cast<std::size_t>(std::min<std::uint64_t>(piece_.size() - offset, length))};
  to_come_ = length - left_.size();
  send_head(206, length,
            "Content-Range: bytes " + std::to_string(request.first) + "-" +
                std::to_string(request.last) + "/" + std::to_string(size) + "\r\n");
}

void chunk_session::answer_delta(const chunk_request& request) {
  auto base = service_->manifests.get(request.base);
  const auto& store = *service_->store;
  if (!base || request.number >= version_->manifest.chunk_count()) return refuse(404);
  auto old_chunk = same_place(version_->manifest, request.number, base->manifest);
  std::vector<std::uint8_t> old_bytes;
  if (!old_chunk || !store.has_chunk(version_->hash, request.number) ||
      !store.has_chunk(base->hash, *old_chunk) ||
      store.read(version_->hash, request.number, piece_) ||
      store.read(base->hash, *old_chunk, old_bytes))
    return refuse(404);
  auto delta = make_delta(old_bytes, piece_);
  if (!delta) {
    left_ = {};
    return send_head(204, 0, {});
  }
  piece_ = std::move(*delta);
  left_ = {reinterpret_cast<const char*>(piece_.data()), piece_.size()};
  send_head(200, piece_.size(), {});
}

/// Nobody asks like this by accident but for chunks that are not here yet: those keep the
/// connection.
void chunk_session::refuse(unsigned status, std::string_view more) {
  keep_alive_ = keep_alive_ && (status == 416 || status == 404);
  left_ = {};
  to_come_ = 0;
  send_head(status, 0, more);
}

void chunk_session::send_head(unsigned status, std::uint64_t length, std::string_view more) {
  http::response<http::empty_body> response;
  response.version(11);
  response.result(status);
  if (status != 204) response.set(http::field::content_length, std::to_string(length));
  if (!keep_alive_) response.set(http::field::connection, "close");
  std::ostringstream text;
  text << response.base();
  head_ = text.str();
  // Before the empty line.
  head_.insert(head_.size() - 2, more);
  if (head_only_) {
    left_ = {};
    to_come_ = 0;
  }
  asio::async_write(stream_, asio::buffer(head_),
                    [self = shared_from_this()](error_code failure, std::size_t bytes) {
                      if (failure) return self->close();
                      self->sent(bytes, false);
                    });
}

void chunk_session::sent(std::size_t bytes, bool is_body) {
  service_->bytes_sent += bytes;
  touch(idle_limit);
  if (is_body) left_.remove_prefix(bytes);
  if (!left_.empty()) return write_slice();
  if (to_come_ > 0) return next_piece();
  finish_answer();
}

void chunk_session::next_piece() {
  ++chunk_;
  // The length is promised: what cannot be kept is cut.
  if (service_->store->read(version_->hash, chunk_, piece_) || piece_.empty()) return close();
  left_ = {reinterpret_cast<const char*>(piece_.data()),
           static_cast<std::size_t>(std::min<std::uint64_t>(piece_.size(), to_come_))};
  to_come_ -= left_.size();
  write_slice();
}

void chunk_session::write_slice() {
  auto bytes = left_.size();
  auto write = [self = shared_from_this(), this](std::size_t size) {
    asio::async_write(stream_, asio::buffer(left_.data(), size),
                      [self](error_code failure, std::size_t written) {
                        if (failure) return self->close();
                        self->sent(written, true);
                      });
  };
  bytes = std::min(bytes, upload_gate::slice_bytes);
  if (!service_->gate.is_limited()) return write(bytes);
  service_->gate.ask(bytes, [self = shared_from_this(), write, bytes] {
    asio::dispatch(self->stream_.get_executor(), [self, write, bytes] {
      self->touch(idle_limit);
      write(bytes);
    });
  });
}

void chunk_session::finish_answer() {
  version_.reset();
  if (keep_alive_) return read_head();
  touch(close_limit);
  stream_.async_shutdown([self = shared_from_this()](error_code) { self->close(); });
}

void chunk_session::close() {
  error_code ignored;
  timer_.cancel();
  stream_.next_layer().close(ignored);
}

}  // namespace tandem
