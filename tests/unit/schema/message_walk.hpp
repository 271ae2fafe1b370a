#pragma once

#include <capnp/dynamic.h>
#include <capnp/message.h>

#include "schema/message.hpp"

namespace tandem::testing {

/// Reads every value of a message, unknown enum values included, and returns a number that depends
/// on all of them. Throws where reading throws.
inline std::uint64_t walk(capnp::DynamicValue::Reader value) {
  std::uint64_t sum = 1;
  auto bytes = [&](auto data) {
    for (auto c : data) sum = sum * 31 + static_cast<unsigned char>(c);
  };
  switch (value.getType()) {
    case capnp::DynamicValue::TEXT:
      bytes(value.as<capnp::Text>());
      break;
    case capnp::DynamicValue::DATA:
      bytes(value.as<capnp::Data>());
      break;
    case capnp::DynamicValue::LIST:
      for (auto element : value.as<capnp::DynamicList>()) sum = sum * 31 + walk(element);
      break;
    case capnp::DynamicValue::ENUM:
      sum += value.as<capnp::DynamicEnum>().getRaw();
      break;
    case capnp::DynamicValue::STRUCT: {
      auto reader = value.as<capnp::DynamicStruct>();
      for (auto field : reader.getSchema().getNonUnionFields())
        sum = sum * 31 + walk(reader.get(field));
      KJ_IF_MAYBE (field, reader.which()) {
        sum = sum * 31 + walk(reader.get(*field));
      }
      break;
    }
    default:
      break;
  }
  return sum;
}

/// Reads all of a message that passed the check, as handlers do, and copies it whole, as answers
/// do.
template <class T>
std::uint64_t walk(const message<T>& checked) {
  auto reader = checked.read();
  auto sum = walk(capnp::DynamicValue::Reader{capnp::toDynamic(*reader)});
  message_builder<T> copy;
  copy.copy(*reader);
  static_cast<void>(copy.finish());
  return sum;
}

}  // namespace tandem::testing
