#include "actors/replication/journal_register.hpp"

#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "actors/etcd/etcd_client.hpp"
#include "actors/etcd/etcd_core.hpp"
#include "actors/etcd/etcd_watch.hpp"
#include "schema/errc.hpp"

namespace tandem {
namespace {

constexpr std::size_t waiting_max = 64;

register_outcome outcome_of(etcd_failure failure) {
  switch (failure) {
    case etcd_failure::none:
      return register_outcome::done;
    case etcd_failure::other_history:
      return register_outcome::corrupted;
    case etcd_failure::unknown_fate:
      return register_outcome::unknown;
    default:
      return register_outcome::unavailable;
  }
}

}  // namespace

caf::error register_reply::error() const {
  switch (outcome) {
    case register_outcome::done:
      return caf::none;
    case register_outcome::refused:
      return make_error(errc::invalid_argument, text);
    case register_outcome::fenced:
    case register_outcome::held:
      return make_error(errc::conflict, text);
    case register_outcome::unavailable:
    case register_outcome::unknown:
      return make_error(errc::unavailable, text);
    case register_outcome::corrupted:
      return make_error(errc::corrupted, text);
  }
  return make_error(errc::internal, text);
}

/// Runs on the loop's thread.
class journal_register::core : public std::enable_shared_from_this<core> {
 public:
  core(std::shared_ptr<etcd_client> etcd, const std::string& cluster, journal_id journal,
       journal_holder self, register_options options)
      : etcd_{std::move(etcd)},
        key_{journal_key(cluster, journal)},
        lease_key_{journal_lease_key(cluster, journal)},
        self_{std::move(self)},
        options_{options},
        memory_{options.known_epoch, 0} {}

  void post(std::function<void()> function) { etcd_->core()->post(std::move(function)); }

  struct waiting {
    register_operation operation;
    std::int64_t lease = 0;
    callback done;

    waiting(register_operation what, std::int64_t id, callback then)
        : operation{std::move(what)}, lease{id}, done{std::move(then)} {}
    waiting(const waiting&) = delete;
    waiting& operator=(const waiting&) = delete;
    ~waiting() { finish({.text = "the node stops"}); }

    void finish(register_reply reply) {
      if (auto call = std::exchange(done, nullptr)) call(std::move(reply));
    }
  };

  void add(std::shared_ptr<waiting> next) {
    if (line_.size() >= waiting_max) {
      return next->finish({.text = "too many operations wait for " + key_ + " (" +
                                   std::to_string(waiting_max) + ")"});
    }
    line_.push_back(std::move(next));
    if (!run_) advance();
  }

  void read(callback done) {
    etcd_->txn(read_txn(), [self = shared_from_this(), memory = memory_,
                            done = std::move(done)](const etcd_result& result) {
      register_reply reply;
      reply.outcome = outcome_of(result.failure);
      reply.text = result.text;
      if (result.ok()) reply = self->reply_of(result.reply, memory);
      if (reply.ok()) self->learn(reply.view);
      done(std::move(reply));
    });
  }

  void watch(std::function<void(const register_view&)> changed,
             std::function<void(const register_reply&)> trouble) {
    watch_.reset();
    changed_ = std::move(changed);
    trouble_ = std::move(trouble);
    told_ = 0;
    // The two keys, and nothing else that anybody writes.
    etcd_watch::options what{
        .key = key_, .range_end = lease_key_ + '\0', .check_interval = options_.check_interval};
    watch_ = std::make_unique<etcd_watch>(
        etcd_, std::move(what),
        etcd_watch::listener{
            .changed =
                [weak = weak_from_this()](const etcd_range& state, std::int64_t revision) {
                  if (auto self = weak.lock()) self->on_watch(state, revision);
                },
            .trouble =
                [weak = weak_from_this()](const etcd_result& result) {
                  auto self = weak.lock();
                  if (self && self->trouble_)
                    self->trouble_({outcome_of(result.failure), {}, result.text});
                },
            .recovered = [] {}});
  }

  void acknowledge() {
    memory_ = {};
    cached_.reset();
    told_ = 0;
  }

  void close() {
    watch_.reset();
    changed_ = nullptr;
    trouble_ = nullptr;
  }

 private:
  [[nodiscard]] std::vector<etcd_operation> reads() const {
    return {{.what = etcd_operation::kind::range, .key = key_},
            {.what = etcd_operation::kind::range, .key = lease_key_}};
  }
  [[nodiscard]] etcd_txn read_txn() const { return {.success = reads()}; }

  [[nodiscard]] etcd_txn write_txn(const register_run& run) const {
    using target = etcd_compare::target;
    using kind = etcd_operation::kind;
    const auto& step = run.step();
    const auto& view = run.view();
    etcd_txn out;
    out.compares.push_back(
        {.key = key_,
         .what = view.version == 0 ? target::create_revision : target::mod_revision,
         .revision = view.version});
    out.success.push_back({.what = kind::put, .key = key_, .value = to_text(step.next)});
    out.failure = reads();
    if (step.lease == lease_change::put) {
      out.compares.push_back({.key = lease_key_,
                              .what = view.lease.empty() ? target::create_revision : target::value,
                              .value = view.lease});
      out.success.push_back({.what = kind::put,
                             .key = lease_key_,
                             .value = lease_text(run.self(), run.lease()),
                             .lease = run.lease()});
    } else if (step.lease == lease_change::erase) {
      out.success.push_back({.what = kind::erase, .key = lease_key_});
    }
    return out;
  }

  /// The view in two ranges, or the whole range of a watch.
  [[nodiscard]] caf::expected<register_view> view_of(const std::vector<etcd_range>& ranges,
                                                     std::int64_t revision) const {
    register_view out;
    out.revision = revision;
    for (const auto& range : ranges) {
      for (const auto& entry : range.entries) {
        if (entry.key == lease_key_) {
          out.lease = entry.value.substr(0, journal_record_bytes_max);
        } else if (entry.key == key_) {
          auto record = parse_journal_record(entry.value);
          if (!record) return record.error();
          out.record = std::move(*record);
          out.version = entry.mod_revision;
        }
      }
    }
    return out;
  }

  [[nodiscard]] register_reply reply_of(const etcd_reply& reply,
                                        const register_memory& memory) const {
    if (reply.ranges.size() != 2) return {.text = "etcd answered something else than was asked"};
    auto view = view_of(reply.ranges, reply.header.revision);
    if (!view) return {register_outcome::corrupted, {}, key_ + ": " + message_of(view.error())};
    auto missing = memory.missing_in(*view);
    if (!missing.empty())
      return {register_outcome::corrupted, std::move(*view), key_ + ": " + missing};
    return {register_outcome::done, std::move(*view), {}};
  }

  void learn(const register_view& view) {
    memory_.learn(view);
    if (!cached_ || view.revision >= cached_->revision) cached_ = view;
  }

  /// The next action of the operation at work, or the next operation.
  void advance() {
    if (!run_) {
      if (line_.empty()) return;
      const auto& next = *line_.front();
      run_.emplace(self_, next.lease, next.operation, memory_, options_.tries_max, cached_);
    }
    switch (run_->next()) {
      case register_run::action::read:
        return etcd_->txn(read_txn(), [self = shared_from_this()](const etcd_result& result) {
          self->on_read(result);
        });
      case register_run::action::write:
        return etcd_->txn(write_txn(*run_), [self = shared_from_this()](const etcd_result& result) {
          self->on_write(result);
        });
      case register_run::action::end:
        return finish();
    }
  }

  void on_read(const etcd_result& result) {
    if (result.ok())
      take(result.reply);
    else
      run_->on_failed(outcome_of(result.failure), result.text);
    advance();
  }

  void on_write(const etcd_result& result) {
    if (result.ok() && result.reply.succeeded)
      run_->on_written(result.reply.header.revision);
    else if (result.ok())
      take(result.reply);
    else if (result.failure == etcd_failure::unknown_fate)
      run_->on_lost(result.text);
    else
      run_->on_failed(outcome_of(result.failure), result.text);
    advance();
  }

  void take(const etcd_reply& reply) {
    // The run compares with what it knows itself.
    auto read = reply_of(reply, {});
    if (read.ok())
      run_->on_view(std::move(read.view));
    else
      run_->on_failed(read.outcome, std::move(read.text));
  }

  void finish() {
    register_reply reply{run_->outcome(), run_->view(), run_->text()};
    if (!reply.ok()) reply.text = key_ + ": " + reply.text;
    if (reply.ok())
      learn(reply.view);
    else
      cached_.reset();
    auto ended = std::move(line_.front());
    line_.pop_front();
    run_.reset();
    ended->finish(std::move(reply));
    advance();
  }

  void on_watch(const etcd_range& state, std::int64_t revision) {
    auto view = view_of({state}, revision);
    if (!view) {
      if (trouble_)
        trouble_({register_outcome::corrupted, {}, key_ + ": " + message_of(view.error())});
      return;
    }
    if (memory_.missing_in(*view).empty()) {
      learn(*view);
      return tell(*view);
    }
    // The watch may only lag behind an operation; a fresh read tells.
    read([weak = weak_from_this()](const register_reply& reply) {
      auto self = weak.lock();
      if (!self) return;
      if (reply.ok()) return self->tell(reply.view);
      if (self->trouble_) self->trouble_(reply);
    });
  }

  void tell(const register_view& view) {
    if (!changed_ || view.revision < told_) return;
    told_ = view.revision;
    changed_(view);
  }

  const std::shared_ptr<etcd_client> etcd_;
  const std::string key_;
  const std::string lease_key_;
  const journal_holder self_;
  const register_options options_;
  register_memory memory_;
  /// What was seen last.
  std::optional<register_view> cached_;
  /// The first is at work.
  std::deque<std::shared_ptr<waiting>> line_;
  std::optional<register_run> run_;
  std::unique_ptr<etcd_watch> watch_;
  std::function<void(const register_view&)> changed_;
  std::function<void(const register_reply&)> trouble_;
  std::int64_t told_ = 0;
};

journal_register::journal_register(std::shared_ptr<etcd_client> etcd, std::string cluster,
                                   journal_id journal, journal_holder self,
                                   register_options options)
    : core_{std::make_shared<core>(std::move(etcd), cluster, journal, std::move(self), options)} {}

journal_register::~journal_register() {
  core_->post([one = core_] { one->close(); });
}

void journal_register::perform(register_operation operation, std::int64_t lease, callback done) {
  core_->post([one = core_, next = std::make_shared<core::waiting>(
                                std::move(operation), lease, std::move(done))] { one->add(next); });
}

void journal_register::read(callback done) {
  core_->post([one = core_, done = std::move(done)] { one->read(done); });
}

void journal_register::acknowledge() {
  core_->post([one = core_] { one->acknowledge(); });
}

void journal_register::watch(std::function<void(const register_view&)> changed,
                             std::function<void(const register_reply&)> trouble) {
  core_->post([one = core_, changed = std::move(changed), trouble = std::move(trouble)] {
    one->watch(changed, trouble);
  });
}

}  // namespace tandem
