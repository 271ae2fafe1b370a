#include "nodes/cli/route_text.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "nodes/cli/fact_list.hpp"
#include "nodes/cli/format.hpp"
#include "nodes/cli/names.hpp"
#include "nodes/cli/plain_text.hpp"
#include "nodes/cli/route_number.hpp"
#include "nodes/cli/table.hpp"
#include "schema/ids.hpp"
#include "schema/text.hpp"

namespace tandem::cli {
namespace {

using align = table::align;
using report_reader = schema::RouteReport::Reader;

std::string line(capnp::Text::Reader text) {
  return printable_line(view(text));
}

std::string plus_minus(double value, double deviation, const style& how) {
  return fixed_number(value, 3) + (how.unicode ? " ± " : " +- ") + fixed_number(deviation, 3);
}

std::string share_text(double share) {
  return share > 0 ? "on " + percent(share) + " of decisions" : "in shadow";
}

std::string trial_text(report_reader report) {
  auto setting = report.getSetting();
  if (setting.getCandidate().size() == 0) return {};
  auto text = line(setting.getCandidate()) + " " + share_text(setting.getShare());
  auto trial = report.getTrial();
  if (trial.getDecisions() == 0) return text + "; no evidence yet";
  return text + "; " + signed_number(trial.getDifference(), 4) +
         " a decision against the acting one, between " + signed_number(trial.getLow(), 4) +
         " and " + signed_number(trial.getHigh(), 4) + ", from " +
         human_count(trial.getDecisions()) + " decisions";
}

std::string rewards_text(schema::RewardCounts::Reader counts) {
  auto text = human_count(counts.getLearned()) + " learned";
  auto add = [&text](std::uint64_t number, const char* what) {
    if (number > 0) text += ", " + human_count(number) + ' ' + what;
  };
  add(counts.getCorrected(), "corrected by a better source");
  add(counts.getAgain(), "came twice");
  add(counts.getUnknown(), "for unknown decisions");
  add(counts.getLate(), "too late");
  add(counts.getRefused(), "refused");
  add(counts.getMissing(), "never came");
  return text;
}

std::string arms_text(report_reader report, const style& how) {
  if (report.getArms().size() == 0) return {};
  table out{{{"PURPOSE"},
             {"ARM"},
             {"WEIGHTS"},
             {"QUALITY", align::right},
             {"WEIGHT", align::right},
             {"TRUST", align::right},
             {"DECISIONS", align::right},
             {"REWARDS", align::right},
             {"NODES", align::right},
             {"DRIFT"}}};
  for (auto arm : report.getArms()) {
    auto known = arm.getRewards() > 0;
    out.add({std::string{name_of(arm.getPurpose())},
             std::string{view(arm.getModel())},
             std::string{view(arm.getWeightVersion())},
             known ? plus_minus(arm.getQuality(), arm.getDeviation(), how) : std::string{"?"},
             fixed_number(arm.getWeight(), 1),
             percent(arm.getTrust()),
             human_count(arm.getDecisions()),
             human_count(arm.getRewards()),
             human_count(arm.getOrigins()),
             {std::string{view(arm.getDrift())}, tint::yellow}});
  }
  out.drop_empty();
  return '\n' + out.render(how);
}

std::string tenants_text(report_reader report, const style& how) {
  if (report.getTenants().size() == 0) return {};
  table out{{{"TENANT"},
             {"TARGET", align::right},
             {"SPENT", align::right},
             {"A"},
             {"PRICE OF COST", align::right}}};
  for (auto tenant : report.getTenants()) {
    auto over = tenant.getSpentNanousd() > tenant.getTargetNanousd();
    out.add({std::string{view(tenant.getTenant())},
             human_money(tenant.getTargetNanousd()),
             {human_money(tenant.getSpentNanousd()), over ? tint::yellow : tint::none},
             tenant.getPerHour() ? "hour" : "job",
             fixed_number(tenant.getPrice(), 4)});
  }
  return '\n' + out.render(how);
}

std::string changes_text(report_reader report, const style& how, std::uint64_t now) {
  if (report.getChanges().size() == 0) return {};
  table out{{{"WHEN", align::right}, {"CHANGE"}, {"BY"}, {"NOW"}, {"WHY"}}};
  for (auto change : report.getChanges())
    out.add({human_age(change.getAtMs(), now), std::string{name_of(change.getAction())},
             std::string{view(change.getBy())}, route_setting_text(change.getSetting()),
             std::string{view(change.getWhy())}});
  return '\n' + out.render(how);
}

std::string nodes_text(report_reader report, const style& how, std::uint64_t now) {
  if (report.getNodes().size() < 2) return {};
  table out{{{"LEARNED FROM"}, {"ORIGIN"}, {"AS OF", align::right}}};
  for (auto origin : report.getNodes())
    out.add({std::string{view(origin.getNode())} + (origin.getOwn() ? " (this node)" : ""),
             to_string(journal_id{origin.getOrigin()}), human_age(origin.getAsOfMs(), now)});
  return '\n' + out.render(how);
}

template <class List>
std::string marked_lines(List texts, std::string_view mark, tint colour, const style& how) {
  std::string out;
  for (auto text : texts) out += how.paint(colour, mark) + ": " + line(text) + '\n';
  return out.empty() ? out : '\n' + out;
}

std::string job_text_of(schema::JobId::Reader job) {
  if (job.getNumber() == 0) return {};
  return to_string(job_id{journal_id{job.getJournal()}, job.getNumber()});
}

bool is_good(schema::DecisionRecord::Reader decision) {
  return decision.getChosen() < decision.getArms().size();
}

table::cell choice_of(schema::ArmScore::Reader arm, bool is_chosen) {
  if (is_chosen) return {"chosen", tint::green};
  return arm.getFilter().size() > 0 ? table::cell{"out", tint::red} : table::cell{""};
}

std::string candidates_text(schema::DecisionRecord::Reader decision, const style& how) {
  table out{{{"CHOICE"},
             {"ARM"},
             {"TIER"},
             {"WEIGHTS"},
             {"QUALITY", align::right},
             {"EXPLORATION", align::right},
             {"COST", align::right},
             {"MONEY", align::right},
             {"LATENCY", align::right},
             {"SCORE", align::right},
             {"PROPENSITY", align::right},
             {"OUT BECAUSE"}}};
  auto arms = decision.getArms();
  for (unsigned i = 0; i < arms.size(); ++i) {
    auto arm = arms[i];
    auto could = arm.getFilter().size() == 0;
    auto when_it_could = [could](std::string text) { return could ? text : std::string{}; };
    out.add({choice_of(arm, i == decision.getChosen()), std::string{view(arm.getModel())},
             std::string{view(arm.getTier())}, std::string{view(arm.getWeightVersion())},
             when_it_could(plus_minus(arm.getQuality(), arm.getDeviation(), how)),
             when_it_could(fixed_number(arm.getExploration(), 3)),
             when_it_could(fixed_number(arm.getCost(), 3)),
             when_it_could(human_money(arm.getCostNanousd())),
             when_it_could(human_duration_us(arm.getLatencyUs())),
             when_it_could(fixed_number(arm.getScore(), 3)),
             when_it_could(fixed_number(arm.getPropensity(), 3)),
             std::string{view(arm.getFilter())}});
  }
  out.drop_empty();
  return out.render(how);
}

std::string received_text(schema::DecisionRecord::Reader decision, const style& how,
                          std::uint64_t now) {
  if (decision.getRewards().size() == 0) return "\nno reward has come yet\n";
  table out{{{"REWARD FROM"}, {"QUALITY", align::right}, {"WHEN", align::right}}};
  for (auto reward : decision.getRewards())
    out.add({std::string{name_of(reward.getSource())}, fixed_number(reward.getQuality(), 3),
             human_age(reward.getAtMs(), now)});
  return '\n' + out.render(how);
}

}  // namespace

std::string route_setting_text(schema::RouteSetting::Reader setting) {
  auto text = line(setting.getPolicy());
  if (setting.getCandidate().size() == 0) return text;
  return text + ", trying " + line(setting.getCandidate()) + ' ' + share_text(setting.getShare());
}

std::string route_status_text(report_reader report, const style& how, std::uint64_t now) {
  auto setting = report.getSetting();
  fact_list list{how};
  auto since =
      setting.getAtMs() == 0 ? std::string{} : ", since " + human_age(setting.getAtMs(), now);
  list.add("policy", how.paint(tint::bold, line(setting.getPolicy())) + since);
  if (setting.getBefore().size() > 0) list.add("before", line(setting.getBefore()));
  list.add("trial", trial_text(report));
  list.add("rewards", rewards_text(report.getRewards()));
  return list.text() + marked_lines(report.getNotes(), "note", tint::yellow, how) +
         marked_lines(report.getSetAside(), "set aside", tint::red, how) + arms_text(report, how) +
         tenants_text(report, how) + nodes_text(report, how, now) + changes_text(report, how, now);
}

std::string why_chosen(schema::DecisionRecord::Reader decision) {
  if (!is_good(decision)) return "what was chosen is not among its candidates";
  auto arms = decision.getArms();
  auto chosen = arms[decision.getChosen()];
  auto name = line(chosen.getModel());
  unsigned possible = 0;
  unsigned best = decision.getChosen();
  for (unsigned i = 0; i < arms.size(); ++i) {
    if (arms[i].getFilter().size() > 0) continue;
    ++possible;
    if (arms[i].getScore() > arms[best].getScore()) best = i;
  }
  if (possible < 2) return name + " was the only one that could take it";
  auto by = "policy " + line(decision.getPolicy());
  auto odds = "with a probability of " + percent(chosen.getPropensity());
  if (best == decision.getChosen())
    return name + " had the highest score; " + by + " drew it " + odds;
  return by + " drew " + name + ' ' + odds + " though " + line(arms[best].getModel()) +
         " had the higher score: that is how it learns what the others can do";
}

std::string route_explain_text(schema::DecisionRecord::Reader decision, const style& how,
                               std::uint64_t now) {
  fact_list list{how};
  list.add("decision",
           std::to_string(decision.getId()) + ", " + human_age(decision.getAtMs(), now));
  auto what = std::string{name_of(decision.getPurpose())};
  if (decision.getKind().size() > 0) what += " of kind " + line(decision.getKind());
  if (decision.getTenant().size() > 0) what += ", tenant " + line(decision.getTenant());
  if (decision.getTries() > 0) what += ", after " + human_count(decision.getTries()) + " tries";
  list.add("call", what);
  list.add("job", job_text_of(decision.getJob()));
  list.add("why", why_chosen(decision));
  auto policy = line(decision.getPolicy());
  if (decision.getTrial().size() > 0)
    policy += ", the " + line(decision.getTrial()) + " of a trial";
  list.add("policy", policy);
  list.add("engine", line(decision.getEngine()));
  list.add("prices", "a call as dear as the large tier must be better by " +
                         fixed_number(decision.getCostPrice(), 4) + "; one as slow by " +
                         fixed_number(decision.getLatencyPrice(), 4));
  if (decision.getQuality() >= 0)
    list.add("learned", "quality " + fixed_number(decision.getQuality(), 3));
  if (decision.getCostNanousd() >= 0)
    list.add("paid", human_money(decision.getCostNanousd()) + " in " +
                         human_duration_us(decision.getLatencyUs()));
  return list.text() + '\n' + candidates_text(decision, how) + received_text(decision, how, now);
}

}  // namespace tandem::cli
