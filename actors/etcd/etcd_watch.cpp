#include "actors/etcd/etcd_watch.hpp"

#include <algorithm>
#include <utility>

#include "actors/etcd/etcd_client.hpp"
#include "actors/etcd/etcd_core.hpp"
#include "actors/etcd/watch_state.hpp"

namespace tandem {
namespace {

constexpr std::size_t message_bytes_max = std::size_t{4} * 1024 * 1024;
constexpr std::chrono::milliseconds watch_pause_min{50};
constexpr std::chrono::milliseconds watch_pause_max{1000};

}  // namespace

/// Runs on the loop's thread.
class etcd_watch::follower : public std::enable_shared_from_this<follower> {
 public:
  follower(std::shared_ptr<etcd_client> etcd, options what, listener tell)
      : etcd_{std::move(etcd)}, what_{std::move(what)}, tell_{std::move(tell)} {}

  void post(std::function<void()> function) { etcd_->core()->post(std::move(function)); }

  void stop() {
    stopped_ = true;
    close_stream();
  }

  /// Reads the range; goes on for ever.
  void look() {
    if (stopped_) return;
    etcd_->range({.key = what_.key, .range_end = what_.range_end, .limit = what_.keys_max},
                 [weak = weak_from_this()](const etcd_result& result) {
                   if (auto self = weak.lock()) self->on_look(result);
                 });
  }

 private:
  class stream;

  void on_look(etcd_result result) {
    if (stopped_) return;
    if (result.ok() && result.reply.ranges.size() != 1) result.failure = etcd_failure::malformed;
    if (result.ok() && result.reply.ranges.front().has_more) {
      result.failure = etcd_failure::refused;
      result.text =
          "etcd: more than " + std::to_string(what_.keys_max) + " keys lie at " + what_.key;
    }
    if (!result.ok()) {
      if (!std::exchange(in_trouble_, true)) tell_.trouble(result);
      // What comes after an acknowledged loss of history has revisions of its own.
      if (result.failure == etcd_failure::other_history) state_.clear();
      return look_after(std::min(what_.check_interval, watch_pause_max));
    }
    if (std::exchange(in_trouble_, false)) tell_.recovered();
    auto begun = state_.revision() != 0;
    if (state_.take(result.reply.ranges.front(), result.reply.header.revision)) {
      // Twice in a row news that the stream should have told before.
      if (begun && exchange_ != 0 && ++missed_ >= 2) {
        etcd_->core()->leave_endpoint(stream_endpoint_);
        close_stream();
      }
      tell_.changed(state_.range(), state_.revision());
    } else {
      missed_ = 0;
    }
    if (exchange_ == 0 && !reopens_) open_stream();
    look_after(what_.check_interval);
  }

  void look_after(std::chrono::milliseconds pause) {
    auto turn = ++look_turn_;
    etcd_->core()->later(pause, [weak = weak_from_this(), turn] {
      auto self = weak.lock();
      if (self && self->look_turn_ == turn) self->look();
    });
  }

  void open_stream();
  void close_stream() {
    if (exchange_ != 0) etcd_->core()->cancel_stream(exchange_);
    exchange_ = 0;
    ++stream_turn_;
  }
  /// False: the stream is of no use any more.
  bool on_message(std::string_view json);
  void on_stream_end(bool is_fault);

  std::shared_ptr<etcd_client> etcd_;
  const options what_;
  listener tell_;
  watch_state state_;
  bool stopped_ = false;
  bool in_trouble_ = false;
  std::uint64_t look_turn_ = 0;
  /// The stream under way; 0: none. Those of former turns are not listened to.
  std::uint64_t exchange_ = 0;
  std::uint64_t stream_turn_ = 0;
  std::size_t stream_endpoint_ = 0;
  etcd_history::mark stream_sent_;
  bool reopens_ = false;
  std::uint32_t failures_ = 0;
  std::uint32_t missed_ = 0;
};

/// Splits the response into lines, one message each.
class etcd_watch::follower::stream : public http_handler {
 public:
  stream(std::weak_ptr<follower> owner, std::uint64_t turn)
      : owner_{std::move(owner)}, turn_{turn} {}

  http_next on_body(std::string_view bytes) override {
    auto owner = owner_.lock();
    if (!owner || owner->stream_turn_ != turn_) return http_next::stop;
    buffer_ += bytes;
    std::size_t begin = 0;
    for (auto end = buffer_.find('\n'); end != buffer_.npos; end = buffer_.find('\n', begin)) {
      auto line = std::string_view{buffer_}.substr(begin, end - begin);
      if (!line.empty() && !owner->on_message(line)) return http_next::stop;
      if (owner->stream_turn_ != turn_) return http_next::stop;
      begin = end + 1;
    }
    buffer_.erase(0, begin);
    return buffer_.size() > message_bytes_max ? http_next::stop : http_next::progressed;
  }
  void on_end(http_outcome outcome) override {
    auto owner = owner_.lock();
    if (owner && owner->stream_turn_ == turn_)
      owner->on_stream_end(outcome.failure != http_failure::stopped);
  }

 private:
  std::weak_ptr<follower> owner_;
  std::uint64_t turn_;
  std::string buffer_;
};

void etcd_watch::follower::open_stream() {
  reopens_ = false;
  if (stopped_ || exchange_ != 0) return;
  stream_endpoint_ = etcd_->core()->endpoint_number();
  stream_sent_ = etcd_->core()->history().now();
  auto turn = ++stream_turn_;
  exchange_ = etcd_->core()->open_stream(
      "/v3/watch", watch_json(what_.key, what_.range_end, state_.revision() + 1),
      std::make_shared<stream>(weak_from_this(), turn));
}

bool etcd_watch::follower::on_message(std::string_view json) {
  auto message = read_watch_message(json);
  // An error, such as a missing right, or nonsense: the next look says what.
  if (!message || message->is_cancelled) return false;
  if (!etcd_->core()->history().accept(message->header, stream_sent_, false)) return false;
  failures_ = 0;
  if (state_.take(*message)) {
    missed_ = 0;
    if (state_.size() > what_.keys_max) return false;
    tell_.changed(state_.range(), state_.revision());
  }
  return true;
}

void etcd_watch::follower::on_stream_end(bool is_fault) {
  exchange_ = 0;
  if (stopped_) return;
  if (is_fault) etcd_->core()->leave_endpoint(stream_endpoint_);
  auto pause = std::min(watch_pause_min * (1u << std::min(failures_++, 5u)), watch_pause_max);
  reopens_ = true;
  auto again = [weak = weak_from_this(), is_fault] {
    auto self = weak.lock();
    if (!self) return;
    // Compacted or refused: a read says from where to go on.
    if (is_fault) return self->open_stream();
    self->reopens_ = false;
    self->look();
  };
  etcd_->core()->later(pause, std::move(again));
}

etcd_watch::etcd_watch(std::shared_ptr<etcd_client> etcd, options what, listener tell)
    : follower_{std::make_shared<follower>(std::move(etcd), std::move(what), std::move(tell))} {
  follower_->post([one = follower_] { one->look(); });
}

etcd_watch::~etcd_watch() {
  follower_->post([one = follower_] { one->stop(); });
}

}  // namespace tandem
