#include "nodes/cli/keys_text.hpp"

#include <chrono>

#include "config/quantity.hpp"
#include "nodes/cli/format.hpp"
#include "nodes/cli/plain_text.hpp"
#include "nodes/cli/table.hpp"
#include "schema/json_writer.hpp"
#include "schema/text.hpp"

namespace tandem::cli {
namespace {

std::string period_text(std::uint64_t ms) {
  return format_duration(std::chrono::milliseconds{static_cast<std::int64_t>(ms)});
}

std::string models_text(schema::ApiKey::Reader key) {
  std::string text;
  for (auto model : key.getModels())
    text += (text.empty() ? "" : ", ") + printable_line(view(model));
  return text.empty() ? "all" : text;
}

std::string budget_text(schema::ApiKey::Reader key) {
  auto budget = key.getBudget();
  std::string text;
  if (budget.getTokens() != 0) text = human_count(budget.getTokens()) + " tokens";
  if (budget.getCostNanousd() != 0)
    text += (text.empty() ? "" : ", ") + human_money(budget.getCostNanousd());
  if (text.empty()) return text;
  return key.getBudgetPeriodMs() == 0 ? text + " in all"
                                      : text + " each " + period_text(key.getBudgetPeriodMs());
}

std::string rates_text(schema::ApiKey::Reader key) {
  std::string text;
  auto add = [&text](std::uint64_t number, const char* what) {
    if (number != 0) text += (text.empty() ? "" : ", ") + human_count(number) + what;
  };
  add(key.getRequestsPerMin(), " req/min");
  add(key.getTokensPerMin(), " tok/min");
  add(key.getConcurrency(), " at once");
  return text;
}

std::string state_text(schema::ApiKey::Reader key, std::uint64_t now) {
  if (key.getRevokedAtMs() != 0) return "revoked " + human_age(key.getRevokedAtMs(), now);
  if (key.getExpiresAtMs() == 0) return "holds";
  if (key.getExpiresAtMs() <= now) return "expired " + human_age(key.getExpiresAtMs(), now);
  return "ends " + human_age(key.getExpiresAtMs(), now);
}

std::string spent_text(schema::Budget::Reader spent) {
  std::string text;
  if (spent.getTokens() != 0) text = human_count(spent.getTokens()) + " tokens";
  if (spent.getCostNanousd() != 0)
    text += (text.empty() ? "" : ", ") + human_money(spent.getCostNanousd());
  return text;
}

void time_field(json_writer& json, const char* name, std::uint64_t ms) {
  if (ms == 0)
    json.null_field(name);
  else
    json.field(name, ms);
}

void write_budget(json_writer& json, const char* name, schema::Budget::Reader budget) {
  json.object_field(name);
  json.field("tokens", budget.getTokens());
  json.field("cost_nanousd", budget.getCostNanousd());
  json.end();
}

void write_key(json_writer& json, schema::KeyUse::Reader use) {
  auto key = use.getKey();
  json.object();
  json.field("id", view(key.getId()));
  json.field("name", view(key.getName()));
  json.field("tenant", view(key.getTenant()));
  json.array_field("models");
  for (auto model : key.getModels()) json.value(view(model));
  json.end();
  json.field("admin", key.getAdmin());
  json.field("priority_max", static_cast<int>(key.getPriorityMax()));
  json.field("requests_per_min", key.getRequestsPerMin());
  json.field("tokens_per_min", key.getTokensPerMin());
  json.field("concurrency", key.getConcurrency());
  write_budget(json, "budget", key.getBudget());
  json.field("budget_period_ms", key.getBudgetPeriodMs());
  time_field(json, "created_at_ms", key.getCreatedAtMs());
  time_field(json, "expires_at_ms", key.getExpiresAtMs());
  time_field(json, "revoked_at_ms", key.getRevokedAtMs());
  json.field("requests", use.getRequests());
  json.field("refused", use.getRefused());
  time_field(json, "last_used_at_ms", use.getLastUsedAtMs());
  write_budget(json, "spent", use.getSpent());
  json.end();
}

}  // namespace

std::string keys_text(std::span<const tmsg::keyrpt> pages, const style& how, std::uint64_t now) {
  table out{{{"id"},
             {"name"},
             {"tenant"},
             {"state"},
             {"requests", table::align::right},
             {"refused", table::align::right},
             {"used"},
             {"spent"},
             {"budget"},
             {"limits"},
             {"admin"},
             {"models"}}};
  auto is_empty = true;
  for (const auto& page : pages) {
    auto reader = page.read();
    for (auto use : reader->getKeys()) {
      auto key = use.getKey();
      is_empty = false;
      auto is_over =
          key.getRevokedAtMs() != 0 || (key.getExpiresAtMs() != 0 && key.getExpiresAtMs() <= now);
      out.add({std::string{view(key.getId())},
               std::string{view(key.getName())},
               std::string{view(key.getTenant())},
               {state_text(key, now), is_over ? tint::red : tint::none},
               human_count(use.getRequests()),
               use.getRefused() == 0 ? std::string{} : human_count(use.getRefused()),
               use.getLastUsedAtMs() == 0 ? std::string{"never"}
                                          : human_age(use.getLastUsedAtMs(), now),
               spent_text(use.getSpent()),
               budget_text(key),
               rates_text(key),
               key.getAdmin() ? std::string{"yes"} : std::string{},
               models_text(key)});
    }
  }
  if (is_empty) return "no keys; `tandem keys create --name NAME --tenant TENANT` makes one\n";
  out.drop_empty();
  return out.render(how);
}

std::string keys_json(std::span<const tmsg::keyrpt> pages) {
  json_writer json;
  json.object();
  json.array_field("keys");
  std::string secret;
  for (const auto& page : pages) {
    auto reader = page.read();
    for (auto use : reader->getKeys()) write_key(json, use);
    if (reader->getSecret().size() != 0) secret = view(reader->getSecret());
  }
  json.end();
  if (!secret.empty()) json.field("secret", secret);
  json.end();
  return json.text();
}

std::string key_facts_text(schema::ApiKey::Reader key) {
  auto text = "key " + std::string{view(key.getId())} + " of tenant '" +
              printable_line(view(key.getTenant())) + "'" +
              (key.getAdmin() ? ", for admin calls too" : "") + "; models: " + models_text(key);
  if (auto rates = rates_text(key); !rates.empty()) text += "; at each gateway " + rates;
  if (auto budget = budget_text(key); !budget.empty()) text += "; budget " + budget;
  if (key.getExpiresAtMs() != 0) text += "; ends " + human_time(key.getExpiresAtMs());
  return text;
}

}  // namespace tandem::cli
