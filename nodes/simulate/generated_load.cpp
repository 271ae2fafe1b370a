#include "nodes/simulate/generated_load.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <deque>
#include <type_traits>
#include <utility>

#include "config/words.hpp"
#include "nodes/simulate/seeded_random.hpp"
#include "schema/errc.hpp"

namespace tandem::simulation {
namespace {

constexpr std::uint32_t prefixes_max = 1'000'000;
constexpr std::uint32_t steps_max = 256;
constexpr std::uint64_t requests_max = 1'000'000'000;
constexpr std::uint32_t load_tokens_max = 1'000'000;
constexpr std::size_t repeatable = 1000;
constexpr double zipf_exponent = 1.1;
constexpr std::uint32_t block_tokens = 64;

/// One key of a spec: where its number goes, and within which bounds.
struct number_key {
  std::string_view name;
  double min;
  double max;
  void (*set)(load_spec&, double);
};

template <auto Member>
void put(load_spec& spec, double value) {
  spec.*Member = static_cast<std::remove_reference_t<decltype(spec.*Member)>>(value);
}

constexpr std::array<number_key, 20> keys{{
    {"rate", 1e-6, 1e7, put<&load_spec::rate>},
    {"requests", 1, static_cast<double>(requests_max), put<&load_spec::requests>},
    {"cv", 0.05, 100, put<&load_spec::cv>},
    {"swing", 0, 1, put<&load_spec::swing>},
    {"day_s", 1, 1e7, put<&load_spec::day_s>},
    {"in", 1, load_tokens_max, put<&load_spec::in>},
    {"out", 1, load_tokens_max, put<&load_spec::out>},
    {"spread", 0, 3, put<&load_spec::spread>},
    {"prefixes", 0, prefixes_max, put<&load_spec::prefixes>},
    {"shared", 0, 0.99, put<&load_spec::shared>},
    {"repeats", 0, 1, put<&load_spec::repeats>},
    {"verified", 0, 1, put<&load_spec::verified>},
    {"kinds", 1, 256, put<&load_spec::kinds>},
    {"jobs", 0, 1, put<&load_spec::jobs>},
    {"steps", 1, steps_max, put<&load_spec::steps>},
    {"width", 1, 64, put<&load_spec::width>},
    {"step_in", 1, load_tokens_max, put<&load_spec::step_in>},
    {"step_out", 1, load_tokens_max, put<&load_spec::step_out>},
    {"step_difficulty", 0, 1, put<&load_spec::step_difficulty>},
    {"tenants", 1, 10'000, put<&load_spec::tenants>},
}};

caf::error bad_load(const std::string& what) {
  return make_error(errc::invalid_argument,
                    "--load: " + what + "; for example poisson,rate=50,requests=100000");
}

std::string number_text(double value) {
  std::array<char, 32> digits{};
  return {digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr};
}

caf::error set_key(load_spec& spec, std::string_view name, std::string_view text) {
  double value = 0;
  auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  auto is_number = read.ec == std::errc{} && read.ptr == text.data() + text.size();
  for (const auto& key : keys) {
    if (key.name != name) continue;
    if (!is_number || !(value >= key.min && value <= key.max))
      return bad_load(std::string{name} + " must be a number from " + number_text(key.min) +
                      " to " + number_text(key.max) + ", not " + quote_word(text));
    key.set(spec, value);
    return caf::none;
  }
  std::array<std::string_view, keys.size()> names{};
  std::transform(keys.begin(), keys.end(), names.begin(), [](const auto& key) { return key.name; });
  auto near = nearest_word(name, names);
  return bad_load("there is no key " + quote_word(name) +
                  (near.empty() ? "; there are " + list_words(names)
                                : "; did you mean '" + std::string{near} + "'?"));
}

class generated_load : public work_source {
 public:
  generated_load(const load_spec& spec, std::uint64_t seed)
      : spec_{spec}, seed_{seed}, random_{seed} {
    double sum = 0;
    for (std::uint32_t i = 0; i < spec_.prefixes; ++i)
      zipf_.push_back(sum += std::pow(i + 1.0, -zipf_exponent));
    rewind();
  }

  void rewind() override {
    random_ = seeded_random{seed_};
    number_ = 0;
    at_s_ = 0;
    recent_.clear();
  }

  caf::expected<bool> next(work_item& out) override {
    if (number_ == spec_.requests) return false;
    ++number_;
    at_s_ += gap();
    if (!recent_.empty() && spec_.repeats > 0 && random_.uniform() < spec_.repeats) {
      out = recent_[random_.below(recent_.size())];
      out.at_s = at_s_;
      return true;
    }
    draw(out);
    if (spec_.repeats > 0) {
      recent_.push_back(out);
      if (recent_.size() > repeatable) recent_.pop_front();
    }
    return true;
  }

 private:
  double gap() {
    if (spec_.arrivals == load_spec::shape::bursty)
      return random_.gamma(1 / (spec_.cv * spec_.cv)) / spec_.rate;
    if (spec_.arrivals == load_spec::shape::poisson) return random_.exponential() / spec_.rate;
    auto peak = spec_.rate * (1 + spec_.swing);
    double gap = 0;
    while (true) {
      gap += random_.exponential() / peak;
      auto phase = 2 * std::numbers::pi * (at_s_ + gap) / spec_.day_s;
      auto rate = spec_.rate * (1 - spec_.swing * std::cos(phase));
      if (random_.uniform() * peak < rate) return gap;
    }
  }

  std::uint32_t tokens(double mean) {
    auto sigma = spec_.spread;
    auto drawn = mean * std::exp(sigma * random_.normal() - sigma * sigma / 2);
    return static_cast<std::uint32_t>(std::clamp(std::round(drawn), 1.0, double{load_tokens_max}));
  }

  void draw(work_item& out) {
    out = {};
    out.at_s = at_s_;
    out.input_tokens = tokens(spec_.in);
    out.output_tokens = tokens(spec_.out);
    out.block_tokens = block_tokens;
    out.difficulty = random_.uniform();
    if (spec_.kinds > 1) out.kind = kind_of(out.difficulty);
    // Drawn whatever it is: the rest stays as it is when it changes.
    out.verified = random_.uniform() < spec_.verified;
    out.same_as = number_;
    if (spec_.tenants > 1) out.tenant = "tenant-" + std::to_string(random_.below(spec_.tenants));
    if (spec_.prefixes != 0) draw_prefix(out);
    if (spec_.jobs > 0 && random_.uniform() < spec_.jobs) out.job = draw_plan();
  }

  [[nodiscard]] std::string kind_of(double difficulty) const {
    return "kind-" + std::to_string(static_cast<std::uint32_t>(difficulty * spec_.kinds));
  }

  void draw_prefix(work_item& out) {
    auto at = random_.uniform() * zipf_.back();
    auto which = static_cast<std::uint64_t>(std::lower_bound(zipf_.begin(), zipf_.end(), at) -
                                            zipf_.begin());
    auto whole = static_cast<std::uint64_t>(spec_.in * spec_.shared / block_tokens);
    whole = std::min<std::uint64_t>(whole, out.input_tokens / block_tokens);
    for (std::uint64_t i = 0; i < whole; ++i) out.blocks.push_back((which << 20) + i + 1);
  }

  std::shared_ptr<const planned_job> draw_plan() {
    auto job = std::make_shared<planned_job>();
    auto size = spec_.steps;
    for (std::uint32_t i = 0; i < size; ++i) {
      planned_step step{.input_tokens = tokens(spec_.step_in),
                        .output_tokens = tokens(spec_.step_out),
                        .difficulty = random_.uniform() * spec_.step_difficulty};
      if (spec_.kinds > 1) step.kind = kind_of(step.difficulty);
      // In layers: each step needs one of the layer before; the last one needs all of it.
      auto layer = i / spec_.width;
      if (layer > 0) {
        auto from = (layer - 1) * spec_.width;
        if (i + 1 == size)
          for (auto j = from; j < i; ++j) step.needs.push_back(j);
        else
          step.needs.push_back(from + static_cast<std::uint32_t>(random_.below(spec_.width)));
      }
      job->steps.push_back(std::move(step));
    }
    return job;
  }

  load_spec spec_;
  std::uint64_t seed_;
  seeded_random random_;
  std::vector<double> zipf_;
  std::uint64_t number_ = 0;
  double at_s_ = 0;
  std::deque<work_item> recent_;
};

}  // namespace

caf::expected<load_spec> parse_load(std::string_view text) {
  constexpr std::array<std::string_view, 3> shapes{"poisson", "bursty", "diurnal"};
  load_spec spec;
  bool first = true;
  while (!text.empty() || first) {
    auto part = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), part.size() + 1));
    if (std::exchange(first, false)) {
      auto found = std::find(shapes.begin(), shapes.end(), part);
      if (found == shapes.end())
        return bad_load("begins with " + list_words(shapes) + ", not with " + quote_word(part));
      spec.arrivals = static_cast<load_spec::shape>(found - shapes.begin());
      continue;
    }
    auto sign = part.find('=');
    if (sign == part.npos) return bad_load(quote_word(part) + " is not key=value");
    auto name = part.substr(0, sign);
    if (auto err = set_key(spec, name, part.substr(sign + 1))) return err;
  }
  return spec;
}

std::unique_ptr<work_source> generate_load(const load_spec& spec, std::uint64_t seed) {
  return std::make_unique<generated_load>(spec, seed);
}

}  // namespace tandem::simulation
