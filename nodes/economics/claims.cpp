#include "nodes/economics/claims.hpp"

#include <algorithm>
#include <cmath>

#include "nodes/economics/figures.hpp"
#include "nodes/economics/latency.hpp"

namespace tandem {
namespace {

/// Shares that differ by less are the same after rounding.
constexpr double share_tolerance = 0.01;
constexpr double price_tolerance = 0.10;
constexpr double roi_tolerance = 0.05;
/// What an H100 costs an hour at the dearest; above, a price is worth a remark.
constexpr double gpu_hour_usual = 3;

std::string range_text(const claimed_range& range, std::string (*text)(double)) {
  if (range.low == range.high) return text(range.low);
  return text(range.low) + " to " + text(range.high);
}

std::string years_text(double years) {
  return years == 1 ? "one year" : figure(years) + " years";
}

class claim_checker {
 public:
  claim_checker(const claim_context& context, std::span<const claim> claims)
      : context_{context}, said_{claims}, claims_{claims.begin(), claims.end()} {
    for (const auto& c : claims) {
      if (!c.qps) learn(c);
    }
    for (auto& c : claims_) complete(c);
  }

  std::vector<finding> run() {
    for (const auto* engine : {&context_.large, &context_.small}) {
      check_in_flight(*engine);
      check_price(*engine);
    }
    check_uniform_price();
    for (const auto& c : said_) {
      check_ceiling(c);
      check_saving(c);
    }
    for (const auto& c : claims_) check(c);
    check_line();
    return std::move(findings_);
  }

 private:
  /// What is said in general.
  void learn(const claim& c) {
    auto take = [](auto& mine, const auto& said) {
      if (!mine) mine = said;
    };
    take(general_.saving, c.saving);
    take(general_.large_share, c.large_share);
    take(general_.break_even_qps, c.break_even_qps);
  }

  void complete(claim& c) const {
    if (!c.saving && c.saving_usd_year) c.saving = general_.saving;
    if (!c.saving && c.throughput_multiple) c.saving = general_.saving;
  }

  void add(std::string_view name, std::string who, bool contradicts, std::string arithmetic) {
    findings_.push_back({name, std::move(who), std::move(arithmetic), contradicts});
  }

  void check_in_flight(const stated_engine& engine) {
    if (!engine.requests_per_s || !engine.latency_ms) return;
    auto count = in_flight(*engine.requests_per_s, *engine.latency_ms);
    auto law = figure(*engine.requests_per_s) + " requests/s x " +
               milliseconds(*engine.latency_ms) + " = " +
               figure(count < 1 ? count : std::round(count * 10) / 10) +
               " requests in flight (Little's law)";
    if (count >= batch_min) {
      add("littles_law", engine.name, false, law + ": a batch");
      return;
    }
    add("littles_law", engine.name, true,
        law +
            ", too few for an engine that batches; the latency is that of a first token, not of "
            "a request. Say first_token_ms, and what a whole request takes");
  }

  void check_price(const stated_engine& engine) {
    if (!engine.requests_per_s || !engine.usd_per_1k || !engine.gpus) return;
    auto hour = engine_hour_usd(*engine.usd_per_1k, *engine.requests_per_s);
    auto each = hour / *engine.gpus;
    auto sum = usd(*engine.usd_per_1k) + " a 1,000 x " + figure(*engine.requests_per_s) +
               " requests/s x 3.6 = " + usd(hour) + " an engine-hour; with " +
               figure(*engine.gpus) + (*engine.gpus == 1 ? " GPU " : " GPUs ") + usd(each) +
               " a GPU-hour";
    if (!engine.gpu_hour_usd) {
      if (each > 2 * gpu_hour_usual)
        sum += ", about " + figure(std::round(each / gpu_hour_usual * 10) / 10) +
               " times what one costs (" + usd(gpu_hour_usual) + ")";
      add("price_per_gpu_hour", engine.name, false, sum);
      return;
    }
    auto differs = std::abs(each - *engine.gpu_hour_usd) >
                   price_tolerance * std::max(each, *engine.gpu_hour_usd);
    add("price_per_gpu_hour", engine.name, differs,
        sum + (differs ? ", but it is said to be " : ", as is said: ") + usd(*engine.gpu_hour_usd));
  }

  void check_uniform_price() {
    auto each = [](const stated_engine& e) {
      return e.usd_per_1k && e.requests_per_s && e.gpus
                 ? engine_hour_usd(*e.usd_per_1k, *e.requests_per_s) / *e.gpus
                 : 0;
    };
    auto large = each(context_.large);
    auto small = each(context_.small);
    if (large <= 0 || small <= 0) return;
    if (std::abs(large - small) <= 0.02 * large)
      add("price_per_gpu_hour", "both", false,
          usd(small) + " and " + usd(large) + " a GPU-hour: one uniform price");
  }

  void check(const claim& c) {
    check_throughput(c);
    check_latency(c);
    check_bill(c);
    check_payback(c);
  }

  /// Share saved if no call went to the large model.
  [[nodiscard]] double ceiling() const {
    return 1 - context_.small_usd_per_1k / context_.large_usd_per_1k;
  }

  [[nodiscard]] double large_share_for(double saving) const { return 1 - saving / ceiling(); }

  void check_ceiling(const claim& c) {
    if (!c.saving) return;
    auto most = ceiling();
    auto ratio = context_.large_usd_per_1k / context_.small_usd_per_1k;
    auto text = "a call costs " + usd(context_.large_usd_per_1k / 1000) + " and " +
                usd(context_.small_usd_per_1k / 1000) + ", a ratio of " + figure(ratio) +
                ": even with every call on the small model no more than " + percent(most) +
                " is saved";
    auto is_beyond = c.saving->high > most + share_tolerance / 2;
    if (is_beyond) text += "; " + percent(c.saving->high) + " is out of reach";
    add("saving_ceiling", c.who, is_beyond, text);
  }

  void check_saving(const claim& c) {
    auto share = c.large_share ? c.large_share : general_.large_share;
    if (!c.saving || !share || ceiling() <= 0) return;
    claimed_range gives{(1 - share->high) * ceiling(), (1 - share->low) * ceiling()};
    auto is_apart = gives.high < c.saving->low - share_tolerance ||
                    gives.low > c.saving->high + share_tolerance;
    auto most = std::min(c.saving->high, ceiling());
    claimed_range needs{large_share_for(most), large_share_for(c.saving->low)};
    add("saving_share", c.who, is_apart,
        "with " + range_text(*share, percent) +
            " of calls on the large model (1 - f)(1 - "
            "c_small/c_large) is " +
            range_text(gives, percent) + (is_apart ? ", not " : ", which agrees with ") +
            range_text(*c.saving, percent) + ", for which f would be " + range_text(needs, figure));
  }

  void check_throughput(const claim& c) {
    if (!c.throughput_multiple || c.throughput_multiple->low <= 1) return;
    const auto& said = *c.throughput_multiple;
    claimed_range needs{1 / said.high, 1 / said.low};
    auto text = range_text(said, figure) +
                " times the throughput of the same large engines is 1/f, so " +
                range_text(needs, figure) + " of calls are on the large model";
    if (!c.saving || ceiling() <= 0) {
      add("throughput_multiple", c.who, false, text);
      return;
    }
    bool is_apart = false;
    for (auto saving : {c.saving->low, c.saving->high}) {
      auto share = large_share_for(saving);
      if (share >= needs.low - share_tolerance && share <= needs.high + share_tolerance) continue;
      is_apart = true;
      text += share > 0 ? "; " + percent(saving) + " saved needs f = " + figure(share) +
                              ", that is " + figure(1 / share) + " times"
                        : "; " + percent(saving) + " saved is beyond every f";
      if (c.saving->low == c.saving->high) break;
    }
    if (!is_apart) text += ", as the saving says";
    add("throughput_multiple", c.who, is_apart, text);
  }

  void check_latency(const claim& c) {
    if (!c.latency_gain || !context_.large_ms || !context_.small_ms) return;
    auto large = *context_.large_ms;
    auto small = *context_.small_ms;
    claimed_range needs{steps_for_latency_gain(large, small, c.latency_gain->low),
                        steps_for_latency_gain(large, small, c.latency_gain->high)};
    auto text = "one plan call of " + milliseconds(large) + " and s serial steps of " +
                milliseconds(small) + " save " + range_text(*c.latency_gain, percent) +
                " where s is " + range_text(needs, figure);
    if (!std::isfinite(needs.high))
      text += " (serially at most " + percent(1 - small / large) + ")";
    if (!c.serial_steps) {
      add("latency_steps", c.who, !std::isfinite(needs.low), text);
      return;
    }
    auto gain = serial_latency_gain(large, small, *c.serial_steps);
    auto is_apart = gain < c.latency_gain->low - share_tolerance ||
                    gain > c.latency_gain->high + share_tolerance;
    add("latency_steps", c.who, is_apart,
        text + (is_apart ? "; with " : ", and with ") + figure(*c.serial_steps) + " it is " +
            percent(gain) +
            (is_apart ? ": what else is claimed comes from parallel steps and streamed plans, or "
                        "not at all"
                      : ""));
  }

  void check_bill(const claim& c) {
    if (!c.saving_usd_year || !c.qps) return;
    auto bill = context_.all_large_usd_year(*c.qps);
    auto share = *c.saving_usd_year / bill;
    auto text = "all calls on the large model at " + figure(*c.qps) + " requests/s cost " +
                usd(bill) + " a year";
    add("whole_bill", c.who, share > 1,
        text + (share > 1 ? ": nobody can save " + usd(*c.saving_usd_year) + " of it"
                          : ", more than the " + usd(*c.saving_usd_year) + " to be saved"));
    if (!c.saving) return;
    auto is_apart =
        share < c.saving->low - share_tolerance || share > c.saving->high + share_tolerance;
    add("yearly_saving", c.who, is_apart,
        usd(*c.saving_usd_year) + " a year of " + usd(bill) + " is " + percent(share) +
            (is_apart ? ", not " : ", which agrees with ") + range_text(*c.saving, percent));
  }

  void check_payback(const claim& c) {
    if (!c.payback_months || !c.roi || *c.payback_months <= 0) return;
    auto fits = [&](double years) {
      auto whole = 1 + roi_of_payback(*c.payback_months, years);
      return std::abs(1 + *c.roi - whole) <= roi_tolerance * whole;
    };
    auto sum = [&](double years) {
      return figure(12 * years) + "/" + figure(*c.payback_months) +
             " - 1 = " + percent(roi_of_payback(*c.payback_months, years)) + " in " +
             years_text(years);
    };
    std::vector<double> horizons{1, 3};
    if (c.roi_years) horizons = {*c.roi_years};
    std::string all;
    for (auto years : horizons) {
      if (fits(years)) {
        add("payback_roi", c.who, false, "ROI = 12 T/payback - 1: " + sum(years) + ", as is said");
        return;
      }
      all += (all.empty() ? "" : " and ") + sum(years);
    }
    add("payback_roi", c.who, true,
        "ROI = 12 T/payback - 1: " + all + ", not " + percent(*c.roi) + ", for which T would be " +
            figure((1 + *c.roi) * *c.payback_months / 12) + " years");
  }

  /// The two rates that are furthest apart.
  void check_line() {
    const claim* low = nullptr;
    const claim* high = nullptr;
    for (const auto& c : claims_) {
      if (!c.qps || !c.saving_usd_year) continue;
      if (low == nullptr || *c.qps < *low->qps) low = &c;
      if (high == nullptr || *c.qps > *high->qps) high = &c;
    }
    if (low == nullptr || *low->qps == *high->qps) return;
    auto slope = (*high->saving_usd_year - *low->saving_usd_year) / (*high->qps - *low->qps);
    if (slope <= 0) return;
    auto zero = *low->qps - *low->saving_usd_year / slope;
    auto text = "the line through " + usd(*low->saving_usd_year) + " at " + figure(*low->qps) +
                " and " + usd(*high->saving_usd_year) + " at " + figure(*high->qps) +
                " requests/s breaks even at " + figure(std::round(zero));
    if (!general_.break_even_qps) {
      add("break_even_line", "", false, text);
      return;
    }
    auto said = *general_.break_even_qps;
    auto is_apart = std::abs(zero - said) > price_tolerance * said;
    add("break_even_line", "", is_apart,
        text + (is_apart ? ", not " : ", which agrees with ") + figure(said));
  }

  const claim_context& context_;
  std::span<const claim> said_;
  /// With what is said in general.
  std::vector<claim> claims_;
  claim general_;
  std::vector<finding> findings_;
};

}  // namespace

double in_flight(double requests_per_s, double latency_ms) {
  return requests_per_s * latency_ms / 1000;
}

double engine_hour_usd(double usd_per_1k, double requests_per_s) {
  return usd_per_1k * requests_per_s * 3.6;
}

double roi_of_payback(double payback_months, double years) {
  return 12 * years / payback_months - 1;
}

std::vector<finding> check_claims(const claim_context& context, std::span<const claim> claims) {
  return claim_checker{context, claims}.run();
}

}  // namespace tandem
