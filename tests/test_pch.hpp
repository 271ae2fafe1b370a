#pragma once

// Precompiled once and shared by every test program.

#include "schema/caf_pch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
