#include "actors/replication/register_run.hpp"

#include <algorithm>
#include <utility>

namespace tandem {

const char* to_string(register_outcome outcome) noexcept {
  switch (outcome) {
    case register_outcome::done:
      return "done";
    case register_outcome::refused:
      return "refused";
    case register_outcome::fenced:
      return "fenced";
    case register_outcome::held:
      return "held";
    case register_outcome::unavailable:
      return "unavailable";
    case register_outcome::unknown:
      return "unknown";
    case register_outcome::corrupted:
      return "corrupted";
  }
  return "unknown";
}

void register_memory::learn(const register_view& view) {
  version = std::max(version, view.version);
  if (view.record) epoch = std::max(epoch, view.record->epoch);
}

std::string register_memory::missing_in(const register_view& view) const {
  auto seen = view.record ? view.record->epoch : 0;
  if (view.version >= version && seen >= epoch) return {};
  return "etcd has epoch " + std::to_string(seen) + " (version " + std::to_string(view.version) +
         "), and this node has seen epoch " + std::to_string(epoch) + " (version " +
         std::to_string(version) +
         "): it was put back to an older state, or its record was removed; nothing is decided "
         "upon it";
}

register_run::register_run(journal_holder self, std::int64_t lease, register_operation operation,
                           register_memory memory, std::uint32_t tries_max,
                           std::optional<register_view> cached)
    : self_{std::move(self)},
      lease_{lease},
      operation_{std::move(operation)},
      memory_{memory},
      tries_left_{tries_max} {
  if (!cached || !memory_.missing_in(*cached).empty()) return;
  view_ = std::move(*cached);
  decide_on(false);
}

bool register_run::may_come() const {
  // A write upon another version fails its compare, whenever it arrives.
  return lost_upon_ && *lost_upon_ == view_.version;
}

void register_run::end(register_outcome outcome, std::string text) {
  next_ = action::end;
  outcome_ = outcome;
  if (outcome != register_outcome::done)
    text_ = std::string{name_of(operation_)} + ": " + std::move(text);
}

void register_run::decide_on(bool is_fresh) {
  step_ = decide(view_, self_, lease_, operation_);
  if (step_.what == register_step::kind::write) {
    next_ = action::write;
    return;
  }
  if (!is_fresh) {
    next_ = action::read;
    return;
  }
  if (step_.what == register_step::kind::done) return end(register_outcome::done, {});
  if (may_come())
    return end(register_outcome::unknown,
               step_.text + "; but a write of this operation (" + lost_why_ + ") may still arrive");
  end(step_.what == register_step::kind::refused  ? register_outcome::refused
      : step_.what == register_step::kind::fenced ? register_outcome::fenced
                                                  : register_outcome::held,
      step_.text);
}

void register_run::on_view(register_view view) {
  // A compare that failed.
  if (next_ == action::write && tries_left_ > 0) --tries_left_;
  if (auto missing = memory_.missing_in(view); !missing.empty())
    return end(register_outcome::corrupted, std::move(missing));
  view_ = std::move(view);
  memory_.learn(view_);
  decide_on(true);
  if (next_ != action::write) return;
  if (tries_left_ == 0)
    return may_come()
               ? end(register_outcome::unknown, lost_why_)
               : end(register_outcome::unavailable, "others changed the record all the time");
}

void register_run::on_written(std::int64_t revision) {
  if (step_.lease == lease_change::put) view_.lease = lease_text(self_, lease_);
  if (step_.lease == lease_change::erase) view_.lease.clear();
  view_.record = step_.next;
  view_.version = view_.revision = revision;
  memory_.learn(view_);
  end(register_outcome::done, {});
}

void register_run::on_lost(std::string why) {
  lost_upon_ = view_.version;
  lost_why_ = std::move(why);
  if (tries_left_ > 0) --tries_left_;
  next_ = action::read;
}

void register_run::on_failed(register_outcome outcome, std::string why) {
  // Whether a lost write was done cannot be read back.
  if (outcome == register_outcome::unavailable && lost_upon_)
    return end(register_outcome::unknown, lost_why_ + "; then " + std::move(why));
  end(outcome, std::move(why));
}

}  // namespace tandem
