// The part of fetch_core that asks, and judges what comes.

#include <algorithm>
#include <utility>

#include "actors/weights/chunk_delta.hpp"
#include "actors/weights/fetch_core.hpp"
#include "schema/errc.hpp"

namespace tandem {
namespace {

/// In a row, after which no more are asked for: the versions have too little in common.
constexpr std::size_t useless_deltas_max = 16;
constexpr std::size_t header_bytes_max = 16 * 1024;

bool is_whole(const chunk_download::result& result, int status) {
  return result.failure == http_failure::none && result.status == status;
}

bool is_too_much(http_failure failure) {
  return failure == http_failure::stopped || failure == http_failure::too_large;
}

}  // namespace

std::shared_ptr<http_endpoint> fetch_core::endpoint(const std::string& url) const {
  auto out = std::make_shared<http_endpoint>();
  out->url = url;
  out->ca_file = options_.ca_file;
  out->cert_file = options_.cert_file;
  out->key_file = options_.key_file;
  // As CAF between nodes: whom the cluster's authority has signed is one of us, whatever its name.
  out->verify_name = false;
  out->first_timeout = out->idle_timeout = options_.idle_timeout;
  out->connect_timeout = std::min(out->connect_timeout, options_.idle_timeout);
  return out;
}

void fetch_core::ask_manifest(const piece_picker::request& request) {
  auto where = endpoint(request.url + "/v1/manifests/" + to_hex(hash_));
  where->response_bytes_max = manifest_bytes_max + header_bytes_max;
  auto receive = [self = shared_from_this(), ticket = request.ticket](auto result) {
    self->manifest_came(ticket, std::move(result));
  };
  auto handler = std::make_shared<chunk_download>(std::vector<std::uint8_t>{}, manifest_bytes_max,
                                                  std::move(receive));
  transfers_[request.ticket] = {request, false, loop_->start(where, {}, std::move(handler))};
}

void fetch_core::manifest_came(std::uint64_t ticket, chunk_download::result result) {
  if (is_over()) return;
  moved_bytes_ += result.bytes_moved;
  if (!is_whole(result, 200)) {
    lost(ticket, result);
    return pump();
  }
  std::string bytes{result.body.begin(), result.body.end()};
  transfers_.erase(ticket);
  if (hash_of(bytes) != hash_) {
    picker_.lied(ticket, "its manifest does not match the hash");
    return pump();
  }
  (void)picker_.arrived(ticket, clock::now());
  phase_ = phase::preparing;
  on_worker([self = shared_from_this(), bytes = std::move(bytes)] {
    auto found = self->prepare(bytes);
    self->on_loop([self, found = std::move(found)] { self->ready(found); });
  });
}

bool fetch_core::has_delta(const piece_picker::request& request) const {
  if (!base_ || useless_deltas_ >= useless_deltas_max) return false;
  auto found = complete_at_.find(request.peer);
  if (found == complete_at_.end()) return false;
  const auto& complete = found->second;
  return std::find(complete.begin(), complete.end(), *base_) != complete.end() &&
         same_place(manifest_, request.piece, base_manifest_).has_value();
}

void fetch_core::ask(const piece_picker::request& request, bool may_be_delta) {
  auto place = manifest_.place(request.piece);
  auto is_delta = may_be_delta && has_delta(request);
  auto where =
      endpoint(request.url + (is_delta ? "/v1/deltas/" + to_hex(*base_) : "/v1/files") + "/" +
               to_hex(hash_) + "/" + std::to_string(is_delta ? request.piece : place.file));
  if (!is_delta) {
    where->headers = {"Range: bytes=" + std::to_string(place.offset) + "-" +
                      std::to_string(place.offset + place.bytes - 1)};
    limit_.owe(place.bytes, clock::now());
  }
  where->response_bytes_max = place.bytes + header_bytes_max;
  auto receive = [self = shared_from_this(), ticket = request.ticket](auto result) {
    self->came(ticket, std::move(result));
  };
  auto handler = std::make_shared<chunk_download>(take_buffer(), place.bytes, std::move(receive));
  transfers_[request.ticket] = {request, is_delta, loop_->start(where, {}, std::move(handler))};
}

void fetch_core::came(std::uint64_t ticket, chunk_download::result result) {
  if (is_over()) return;
  moved_bytes_ += result.bytes_moved;
  auto& transfer = transfers_[ticket];
  transfer.exchange = 0;
  auto piece = transfer.request.piece;
  if (picker_.is_here(piece)) {
    picker_.cancelled(ticket);
    transfers_.erase(ticket);
  } else if (transfer.is_delta) {
    delta_came(ticket, result);
  } else if (!is_whole(result, 206)) {
    lost(ticket, result);
  } else if (result.body.size() != manifest_.place(piece).bytes) {
    transfers_.erase(ticket);
    picker_.lied(ticket,
                 name_of(piece) + " came with " + std::to_string(result.body.size()) + " bytes");
  } else {
    write(ticket, std::move(result.body), false);
  }
  give_back(std::move(result.body));
  pump();
}

void fetch_core::delta_came(std::uint64_t ticket, chunk_download::result& result) {
  limit_.owe(result.bytes_moved, clock::now());
  if (is_whole(result, 200)) {
    useless_deltas_ = 0;
    return write(ticket, std::move(result.body), true);
  }
  if (!is_whole(result, 204) && !is_whole(result, 404)) return lost(ticket, result);
  ++useless_deltas_;
  ask(piece_picker::request{transfers_[ticket].request}, false);
}

/// Verified as it is written.
void fetch_core::write(std::uint64_t ticket, std::vector<std::uint8_t> body, bool is_delta) {
  auto piece = transfers_[ticket].request.piece;
  auto shared = std::make_shared<std::vector<std::uint8_t>>(std::move(body));
  on_worker([self = shared_from_this(), ticket, piece, is_delta, shared] {
    caf::error failure;
    if (is_delta) {
      // The base is as it was: it is complete, and its manifest does not change.
      std::vector<std::uint8_t> base;
      auto old_piece = same_place(self->manifest_, piece, self->base_manifest_);
      failure = self->store_->read(*self->base_, old_piece.value_or(0), base);
      if (!failure) {
        auto whole = apply_delta(base, *shared);
        failure = whole ? self->store_->put(self->hash_, piece, *whole) : whole.error();
      }
      if (failure && code_of(failure) != errc::storage_failed)
        failure = make_error(errc::corrupted, "the difference does not lead to the chunk");
    } else {
      failure = self->store_->put(self->hash_, piece, *shared);
    }
    self->on_loop([self, ticket, failure, shared] {
      if (self->is_over()) return;
      self->give_back(std::move(*shared));
      self->written(ticket, failure);
    });
  });
}

void fetch_core::written(std::uint64_t ticket, const caf::error& failure) {
  auto transfer = transfers_[ticket];
  auto piece = transfer.request.piece;
  if (failure && transfer.is_delta && code_of(failure) == errc::corrupted) {
    // Not its fault yet: the base may be another.
    ++useless_deltas_;
    return ask(transfer.request, false);
  }
  transfers_.erase(ticket);
  if (!failure) {
    if (!picker_.is_here(piece)) done_bytes_ += manifest_.place(piece).bytes;
    for (auto other : picker_.arrived(ticket, clock::now()))
      if (auto exchange = transfers_[other].exchange; exchange != 0) loop_->cancel(exchange);
    report_progress();
  } else if (code_of(failure) == errc::corrupted) {
    picker_.lied(ticket, name_of(piece) + " does not match its hash");
  } else {
    return end(failure);
  }
  pump();
}

void fetch_core::lost(std::uint64_t ticket, const chunk_download::result& result) {
  auto request = transfers_[ticket].request;
  transfers_.erase(ticket);
  if (result.failure == http_failure::cancelled) return picker_.cancelled(ticket);
  if (is_too_much(result.failure)) return picker_.lied(ticket, "it sent more than was asked for");
  if (result.failure != http_failure::none)
    return picker_.failed(ticket, result.text, clock::now());
  if (result.status == 416 || result.status == 404)
    return picker_.lacks(ticket, result.status == 404);
  picker_.failed(ticket, "it answered with " + std::to_string(result.status), clock::now());
}

std::string fetch_core::name_of(std::size_t piece) const {
  auto place = manifest_.place(piece);
  return "chunk " + std::to_string(place.offset / manifest_.chunk_bytes) + " of '" +
         manifest_.files[place.file].path + "'";
}

std::vector<std::uint8_t> fetch_core::take_buffer() {
  if (buffers_.empty()) return {};
  auto out = std::move(buffers_.back());
  buffers_.pop_back();
  return out;
}

void fetch_core::give_back(std::vector<std::uint8_t> buffer) {
  if (buffer.capacity() > 0 && buffers_.size() < options_.requests_max)
    buffers_.push_back(std::move(buffer));
}

}  // namespace tandem
