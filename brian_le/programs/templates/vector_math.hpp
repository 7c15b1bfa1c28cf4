// Functions that the C library of Linux has for whole vectors of numbers. Its own headers declare
// them only for -ffinite-math-only.
#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && defined(__GLIBC__) && !defined(__FAST_MATH__)
#define BRIAN_LE_VECTOR(name) \
    __attribute__((__simd__("notinbranch"))) double name(double) noexcept; \
    __attribute__((__simd__("notinbranch"))) float name##f(float) noexcept;
extern "C" {
#if __GLIBC_PREREQ(2, 22)
BRIAN_LE_VECTOR(exp) BRIAN_LE_VECTOR(log) BRIAN_LE_VECTOR(sin) BRIAN_LE_VECTOR(cos)
#endif
#if __GLIBC_PREREQ(2, 35)
BRIAN_LE_VECTOR(tanh) BRIAN_LE_VECTOR(sinh) BRIAN_LE_VECTOR(cosh) BRIAN_LE_VECTOR(tan)
BRIAN_LE_VECTOR(expm1) BRIAN_LE_VECTOR(log1p) BRIAN_LE_VECTOR(log10)
#endif
}
#undef BRIAN_LE_VECTOR
#endif
