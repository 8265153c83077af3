// What the vector kernels do one element at a time: rare arguments, and functions that are seldom hot. Compiled once,
// for any processor, and called from the files of every instruction set.
#pragma once

namespace dini::kernels::scalar {

double sin(double x);
double cos(double x);
double tan(double x);

// a - floor(a/b) b, with fmod's exactness, zeros with the sign of b.
template <class T> T mod(T a, T b);

// log |Γ(x)|; +inf at the poles.
double gammaln(double x);

// Γ'(x)/Γ(x); NaN at the negative integers, -inf at +0, +inf at -0.
double digamma(double x);

}  // namespace dini::kernels::scalar
