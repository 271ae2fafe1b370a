#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>

#include <fcntl.h>
#include <unistd.h>

#include "config/fleet_profile.hpp"
#include "config/load.hpp"
#include "config/words.hpp"
#include "nodes/cli/assess_text.hpp"
#include "nodes/cli/commands.hpp"
#include "nodes/cli/console.hpp"
#include "nodes/cli/plain_text.hpp"
#include "nodes/cli/table.hpp"
#include "nodes/cli/text_file.hpp"
#include "nodes/economics/figures.hpp"
#include "schema/errc.hpp"

namespace tandem::cli {
namespace {

constexpr double number_max = 1e12;
/// Of tokens of a call, and of prices.
constexpr double pair_max = 1e7;

struct bounds {
  double low;
  double high;
};

std::optional<double> number_of(std::string_view text) {
  double number = 0;
  auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  if (!(number >= 0 && number <= number_max)) return std::nullopt;
  return number;
}

/// Two numbers with `between` in the middle.
std::optional<bounds> two_of(std::string_view text, std::string_view between) {
  auto at = text.find(between);
  if (at == text.npos) return std::nullopt;
  auto low = number_of(text.substr(0, at));
  auto high = number_of(text.substr(at + between.size()));
  if (!low || !high) return std::nullopt;
  return bounds{*low, *high};
}

caf::error bad_option(std::string_view name, std::string_view value, std::string_view form) {
  return make_error(errc::invalid_argument, "--" + std::string{name} + " must be " +
                                                std::string{form} + ", not " + quote_word(value));
}

/// `N`, or `LOW..HIGH` for a range whose middle is the likeliest.
caf::expected<std::optional<sourced_number>> ranged_option(const invocation& from,
                                                           std::string_view name, bounds limits) {
  auto value = from.value(name);
  if (!value) return std::optional<sourced_number>{};
  auto both = two_of(*value, "..");
  if (auto one = number_of(*value)) both = bounds{*one, *one};
  if (!both || both->low > both->high || both->low < limits.low || both->high > limits.high)
    return bad_option(
        name, *value,
        "a number or LOW..HIGH, from " + figure(limits.low) + " to " + figure(limits.high));
  return std::optional{sourced_number::between(both->low, (both->low + both->high) / 2, both->high,
                                               "--" + std::string{name})};
}

caf::expected<std::optional<bounds>> pair_option(const invocation& from, std::string_view name,
                                                 std::string_view form) {
  auto value = from.value(name);
  if (!value) return std::optional<bounds>{};
  auto both = two_of(*value, ",");
  if (!both || both->low > pair_max || both->high > pair_max) return bad_option(name, *value, form);
  return std::optional{*both};
}

caf::error apply_pools(const invocation& from, assess_builder& builder) {
  for (auto which : {pool_name::large, pool_name::small}) {
    auto name = std::string{which == pool_name::large ? "large" : "small"};
    auto prices = pair_option(from, name + "-price",
                              "IN,OUT in US dollars per million tokens, such as 2.5,10");
    if (!prices) return prices.error();
    auto profile = from.value(name);
    if (profile && *prices)
      return make_error(errc::invalid_argument, "--" + name + " are engines of your own and --" +
                                                    name + "-price an API; give one of them");
    if (profile) {
      if (auto err = builder.use_profile(which, *profile)) return err;
    }
    if (*prices) {
      auto said = [&](double price) {
        return sourced_number::exact(price, number_kind::assumed, "--" + name + "-price");
      };
      builder.use_prices(which, said((*prices)->low), said((*prices)->high));
    }
  }
  return {};
}

caf::error apply_numbers(const invocation& from, assess_builder& builder) {
  auto qps = ranged_option(from, "qps", {0, 1e9});
  if (!qps) return qps.error();
  if (*qps) builder.use_qps(**qps);
  auto tokens = pair_option(from, "tokens", "IN,OUT, such as 800,150");
  if (!tokens) return tokens.error();
  if (*tokens) builder.use_tokens((*tokens)->low, (*tokens)->high);
  auto share = ranged_option(from, "large-share", {0, 1});
  if (!share) return share.error();
  if (*share) {
    if (auto err = builder.use_large_share(**share)) return err;
  }
  auto& inputs = builder.inputs();
  const std::array targets{std::pair{"build-usd", &inputs.money.build_usd},
                           std::pair{"running-usd", &inputs.money.running_usd_year}};
  for (const auto& [name, into] : targets) {
    auto value = ranged_option(from, name, {0, number_max});
    if (!value) return value.error();
    if (*value) *into = **value;
  }
  auto months = ranged_option(from, "months", {0.1, 1200});
  if (!months) return months.error();
  if (*months) inputs.money.months = **months;
  auto limit = number_option(from, "latency-ms", 0.001, 1e9);
  if (!limit) return limit.error();
  if (*limit) inputs.limits.latency_ms = *limit;
  return {};
}

caf::expected<assessed_log> read_log(const std::string& path, std::string_view model) {
  auto name = path == "-" ? std::string{"standard input"} : printable_line(path);
  auto fd = path == "-" ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  auto fail = [&name] {
    return make_error(errc::not_found, "cannot read " + name + ": " + std::strerror(errno));
  };
  if (fd < 0) return fail();
  call_log_reader reader{name};
  std::array<char, 65536> buffer{};
  caf::error err;
  while (!err) {
    auto count = ::read(fd, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) err = fail();
    if (count == 0) err = reader.finish();
    if (count <= 0) break;
    err = reader.feed({buffer.data(), static_cast<std::size_t>(count)});
  }
  if (fd != STDIN_FILENO) ::close(fd);
  if (err) return err;
  auto chosen = choose_model(reader.summary(), model);
  if (!chosen) return chosen.error();
  return assessed_log{name, *chosen, reader.summary().models(), reader.skipped(),
                      reader.summary().failed()};
}

exit_code list_profiles(console& io, const std::filesystem::path& folder) {
  using align = table::align;
  table lines{{{"PROFILE"},
               {"GPUS", align::right},
               {"GPU"},
               {"REQUESTS/S", align::right},
               {"TAG"},
               {"MODEL"}}};
  std::vector<std::filesystem::path> files;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator{folder, ignored}) {
    if (entry.path().extension() == ".toml") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  for (const auto& file : files) {
    auto profiles = load_fleet(file);
    if (!profiles) return io.fail(exit_code::local_failure, message_of(profiles.error()));
    for (const auto& profile : *profiles) {
      auto name = file.stem().string() + (profiles->size() > 1 ? ":" + profile.name : "");
      const auto* point = profile.throughput.empty() ? nullptr : &profile.throughput.front();
      lines.add({name, figure(profile.gpus.value), printable_line(profile.gpu),
                 point != nullptr ? figure(point->requests_per_s.value) : "",
                 point != nullptr ? std::string{to_string(point->requests_per_s.kind)} : "",
                 printable_line(profile.model)});
    }
  }
  io.write(lines.render(io.out_style()));
  return exit_code::ok;
}

std::filesystem::path this_program() {
  std::error_code ignored;
  return std::filesystem::read_symlink("/proc/self/exe", ignored);
}

exit_code fail_with(console& io, const caf::error& err) {
  return io.fail(exit_code::local_failure, printable_text(message_of(err)));
}

exit_code run_assess(const invocation& from, console& io) {
  auto fleets = find_fleets_folder(this_program());
  if (!fleets) return fail_with(io, fleets.error());
  if (from.has("profiles")) return list_profiles(io, *fleets);
  assess_builder builder{*fleets};
  std::optional<assessed_log> log;
  if (auto path = from.value("log")) {
    auto read = read_log(*path, from.value("model").value_or(""));
    if (!read) return fail_with(io, read.error());
    log = std::move(*read);
    builder.use_log(log->chosen, log->name);
  } else if (from.has("model")) {
    return usage_error(io, from, "--model names a model of a --log");
  }
  if (!from.arguments.empty()) {
    const auto& path = from.arguments.front();
    auto text = read_text_file(path, config_bytes_max, "the assessment");
    if (!text) return fail_with(io, text.error());
    if (auto err = builder.use_text(*text, printable_line(path))) return fail_with(io, err);
  }
  if (auto err = apply_pools(from, builder)) return usage_error(io, from, err);
  if (auto err = apply_numbers(from, builder)) return usage_error(io, from, err);
  auto asked = builder.finish();
  if (!asked) return usage_error(io, from, asked.error());
  auto result = assess(asked->inputs, asked->claims);
  if (from.wants_json())
    io.line(assessment_json(*asked, result, log));
  else
    io.write(assessment_text(*asked, result, log, from.has("inputs"), io.out_style()));
  return result.is_refused() ? exit_code::failed : exit_code::ok;
}

constexpr std::array options{
    option_spec{"log", "FILE", "API calls as JSON lines or CSV with a header; -: standard input"},
    option_spec{"model", "NAME", "whose calls of the log; the dearest model's without it"},
    option_spec{"large", "PROFILE", "engines of the large model: a profile, FILE or FILE:NAME"},
    option_spec{"small", "PROFILE", "engines of the small model"},
    option_spec{"large-price", "IN,OUT", "the large model is an API: $ per million tokens"},
    option_spec{"small-price", "IN,OUT", "the small model is an API"},
    option_spec{"qps", "N", "requests a second, on average"},
    option_spec{"tokens", "IN,OUT", "of a call, on average"},
    option_spec{"large-share", "SHARE", "of calls that need the large model, 0 to 1"},
    option_spec{"build-usd", "N", "what it costs to introduce"},
    option_spec{"running-usd", "N", "what a second stack costs a year, beyond engines"},
    option_spec{"months", "N", "how long it will run; 36 without it"},
    option_spec{"latency-ms", "N", "what a request may take"},
    option_spec{"inputs", "", "show every input with its tag and source"},
    option_spec{"profiles", "", "list the profiles that there are"},
};

}  // namespace

extern const command_spec assess_command{
    .name = "assess",
    .arguments = "[FILE]",
    .summary = "whether a large and a small model would pay, from your numbers",
    .details =
        "Without a node. Says what requests cost on the large model alone and with Tandem, "
        "engines,\n"
        "break-even, payback, ROI, net present value, and a verdict with the number that decided.\n"
        "FILE is TOML: [workload], [large], [small], [costs], [limits], and [[claim]] for figures "
        "to\n"
        "be checked; see config/assess. Inputs that contradict each other are refused (exit code "
        "1).\n"
        "N and SHARE may be ranges, LOW..HIGH. What nobody said is assumed, with a range.",
    .example =
        "tandem assess --log calls.jsonl\n"
        "tandem assess --qps 400 --large qwen3-235b-a22b-fp8 --small qwen3-14b-fp8\n"
        "tandem assess config/assess/public.toml --json",
    .options = options,
    .arguments_max = 1,
    .run = run_assess,
};

}  // namespace tandem::cli
