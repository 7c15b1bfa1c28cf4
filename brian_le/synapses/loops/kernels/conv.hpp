// Loop nests of convolutional synapses. Populations are channel-last, one copy (replica) after the other:
//     pre  = ((b*in_y + y)*in_x + x)*in_c + ci
//     post = ((b*out_y + oy)*out_x + ox)*out_c + co
//     _idx = ((ky*k_x + kx)*in_c + ci)*out_c + co,   y = oy*stride_y + ky - pad_y (x likewise)
// The type C has these numbers, and `replicas`, as constants: struct C { enum { in_y = 28, ... }; };
//
// The vector lanes run over the output channels, which are contiguous in the kernel and in post. Each
// nest keeps a tile of such vectors of sums in registers, so that every load serves several of them.

#ifdef _MSC_VER
#define CONV_INLINE __forceinline
#define CONV_TILE
#define CONV_LANES
#define CONV_UNROLL
#else
#define CONV_INLINE inline __attribute__((always_inline))
#define CONV_TILE __attribute__((flatten, noinline))
#define CONV_LANES _Pragma("GCC ivdep") _Pragma("GCC unroll 1")  // else g++ unrolls to scalars
#define CONV_UNROLL _Pragma("GCC unroll 8")
#endif

namespace _le {

namespace conv {

constexpr int min(int a, int b) { return a < b ? a : b; }
constexpr int max(int a, int b) { return a > b ? a : b; }

// Lanes L of a vector: 32 bytes, half of it or 1, but never more than there are output channels. The last of
// the n vectors starts at out_c - L: if L does not divide out_c, it overlaps with its neighbour.
template <typename C, typename real> struct Vectors {
    static const int most = 32/sizeof(real);
    static const int L = C::out_c >= most ? most : C::out_c >= most/2 ? most/2 : 1;
    static const int n = (C::out_c + L - 1)/L;
    static CONV_INLINE int channel(int v) { return min(v*L, C::out_c - L); }
};

// Cuts 0..n (n > 0) into `count` tiles of at most N. Their sizes differ by at most one, so that no thin rest
// is left over: the first `larger` tiles have the size `first`, all others the size `other`.
template <int n, int N> struct Cut {
    static const int count = (n + N - 1)/N, larger = n%count, other = n/count, first = other + (larger > 0);
    static CONV_INLINE int start(int i) { return i*other + min(i, larger); }
};

// The same in two dimensions, calls nest.template tile<size_m, size_n>(where, start_m, start_n)
template <int m, int M, int n, int N, typename Nest, typename Where>
CONV_INLINE void tiles(const Nest& nest, const Where& where) {
    typedef Cut<m, M> A;
    typedef Cut<n, N> B;
    for (int i = 0; i < A::larger; i++) {
        for (int j = 0; j < B::larger; j++)
            nest.template tile<A::first, B::first>(where, A::start(i), B::start(j));
        for (int j = B::larger; j < B::count; j++)
            nest.template tile<A::first, B::other>(where, A::start(i), B::start(j));
    }
    for (int i = A::larger; i < A::count; i++) {
        for (int j = 0; j < B::larger; j++)
            nest.template tile<A::other, B::first>(where, A::start(i), B::start(j));
        for (int j = B::larger; j < B::count; j++)
            nest.template tile<A::other, B::other>(where, A::start(i), B::start(j));
    }
}

// Those of n positions, from `first` to `last`, for which m*step + lowest, and the `taps` partners that
// start there, are all in 0..limit
struct Inner {
    int first, last;
    constexpr Inner(int n, int step, int lowest, int taps, int limit)
        : first(min(n, lowest < 0 ? (step - 1 - lowest)/step : 0)),
          last(max(first, limit < taps + lowest ? 0 : min(n, (limit - taps - lowest)/step + 1))) {}
};

// One axis as seen from its n receiving positions: position m has the partners offset + m*step + tap*turn,
// of which those in 0..limit exist. At the inner positions all taps exist.
template <int n_, int taps, int offset, int step, int turn, int limit> struct Axis {
    static const int n = n_, lowest = turn > 0 ? offset : offset - (taps - 1);
    static const int first = Inner(n, step, lowest, taps, limit).first;
    static const int inner = Inner(n, step, lowest, taps, limit).last - first;
    static CONV_INLINE int border(int i) { return i < first ? i : i + inner; }
    static CONV_INLINE int partner(int m, int tap) { return offset + m*step + tap*turn; }
    static CONV_INLINE int first_tap(int m) {
        return max(0, turn > 0 ? -partner(m, 0) : partner(m, 0) - limit + 1);
    }
    static CONV_INLINE int end_tap(int m) {
        return min(taps, turn > 0 ? limit - partner(m, 0) : partner(m, 0) + 1);
    }
};

// n positions in a row (along 0: x, 1: y, 2: the replicas) that all have the same taps, from (b, y, x) on
template <typename C, int along, int n_> struct Run {
    static const int n = n_;
    static const int d_pre = C::in_c*(along == 0 ? C::stride_x : C::in_x*(along == 1 ? C::stride_y : C::in_y));
    static const int d_post = C::out_c*(along == 0 ? 1 : C::out_x*(along == 1 ? 1 : C::out_y));
    int b, y, x, tap_y, tap_x, count_y, count_x, partner_y, partner_x;

    template <typename Y, typename X>
    CONV_INLINE Run(Y, X, int b_, int y_, int x_)
        : b(b_), y(y_), x(x_), tap_y(Y::first_tap(y)), tap_x(X::first_tap(x)),
          count_y(max(0, Y::end_tap(y) - tap_y)), count_x(max(0, X::end_tap(x) - tap_x)),
          partner_y(Y::partner(y, tap_y)), partner_x(X::partner(x, tap_x)) {}
};

// Covers all positions by long runs: lines of inner positions along the longer axis (or, if the image is
// tiny, everything along the replicas), at the borders lines along the other axis, corners along the replicas.
// A kind of run that does not occur has the type of another one: no tiles have to be compiled for it.
template <typename C, typename Y, typename X, typename Nest> inline void cover(const Nest& nest) {
    const bool rows = X::inner >= Y::inner;
    const int longer = max(X::inner, Y::inner), shorter = min(X::inner, Y::inner);
    const bool tiny = longer == 0 || (longer < 4 && longer < C::replicas);
    const int lines = rows ? Y::n : X::n, borders = shorter == 0 ? 0 : (rows ? X::n : Y::n) - longer;
    const int corners_y = Y::n - (tiny ? 0 : Y::inner), corners_x = X::n - (tiny ? 0 : X::inner);
    const bool has_borders = !tiny && borders > 0, has_corners = tiny || corners_y*corners_x > 0;
    typedef Run<C, tiny ? 2 : !rows, tiny ? C::replicas : longer> Line;
    typedef Run<C, has_borders ? rows : tiny ? 2 : !rows, has_borders ? shorter : Line::n> Border;
    typedef Run<C, has_corners ? 2 : !rows, has_corners ? C::replicas : Line::n> Corner;
    for (int b = 0; b < (tiny ? 0 : C::replicas); b++) {
        for (int i = 0; i < lines; i++)
            nest.along(Line(Y(), X(), b, rows ? i : Y::first, rows ? X::first : i));
        for (int i = 0; i < borders; i++)
            nest.along(Border(Y(), X(), b, rows ? Y::first : Y::border(i), rows ? X::border(i) : X::first));
    }
    for (int i = 0; i < corners_y; i++)
        for (int j = 0; j < corners_x; j++)
            nest.along(Corner(Y(), X(), 0, tiny ? i : Y::border(i), tiny ? j : X::border(j)));
}

// Sum to post. Tile: V vectors of channels x U positions. A kernel load serves U sums, an input V vectors.
// The row (kx, ci) of the kernel is contiguous in the input too, and is a single loop.
template <typename C, typename real, typename Value> struct ToPost {
    real* const post;
    const Value value;
    typedef Vectors<C, real> Channels;
    static const int L = Channels::L;

    template <int V, int U, typename Run> CONV_TILE void tile(const Run& r, int v0, int u0) const {
        const int d_pre = Run::d_pre, d_post = Run::d_post;
        const int pre0 = ((r.b*C::in_y + r.partner_y)*C::in_x + r.partner_x)*C::in_c + u0*d_pre;
        const int post0 = ((r.b*C::out_y + r.y)*C::out_x + r.x)*C::out_c + u0*d_post;
        real total[U][V][L] = {};
        for (int a = 0; a < r.count_y; a++) {
            const int row = ((r.tap_y + a)*C::k_x + r.tap_x)*C::in_c, pre = pre0 + a*C::in_x*C::in_c;
            for (int j = 0; j < r.count_x*C::in_c; j++)
                CONV_UNROLL
                for (int u = 0; u < U; u++)
                    CONV_UNROLL
                    for (int v = 0; v < V; v++) {
                        const int co = Channels::channel(v0 + v);
                        CONV_LANES
                        for (int q = 0; q < L; q++)
                            total[u][v][q] += value((row + j)*C::out_c + co + q, pre + j + u*d_pre,
                                                    post0 + u*d_post + co + q);
                    }
        }
        CONV_UNROLL
        for (int u = 0; u < U; u++)
            CONV_UNROLL
            for (int v = 0; v < V; v++)
                for (int q = 0; q < L; q++)
                    post[post0 + u*d_post + Channels::channel(v0 + v) + q] = total[u][v][q];
    }
    template <typename Run> CONV_INLINE void along(const Run& run) const {
        tiles<Channels::n, 3, Run::n, 8>(*this, run);
    }
    CONV_INLINE void all() const {
        cover<C, Axis<C::out_y, C::k_y, -C::pad_y, C::stride_y, 1, C::in_y>,
              Axis<C::out_x, C::k_x, -C::pad_x, C::stride_x, 1, C::in_x> >(*this);
    }
};

// Calls nest.template phase<i>() for n phases from `first` on
template <int first, int n> struct Phases {
    template <typename Nest> static CONV_INLINE void call(Nest nest) {
        Phases<first, n/2>::call(nest);
        Phases<first + n/2, n - n/2>::call(nest);
    }
};
template <int i> struct Phases<i, 1> {
    template <typename Nest> static CONV_INLINE void call(Nest nest) { nest.template phase<i>(); }
};

// Sum to pre. Positions that agree modulo the stride (in the phase) form one image, and see every stride-th
// tap. Tile: T input channels x U positions. Each sum is a vector of sums over every L-th co, which are added
// up at the end; a kernel load serves U sums, a load from post T sums.
template <typename C, typename real, typename Value> struct ToPre {
    real* const pre;
    const Value value;
    int phase_y, phase_x;
    static const int L = Vectors<C, real>::L, rest = C::out_c%L;

    template <int T, int U, typename Run> CONV_TILE void tile(const Run& r, int t0, int u0) const {
        const int y = phase_y + r.y*C::stride_y, ky = (phase_y + C::pad_y)%C::stride_y + r.tap_y*C::stride_y;
        const int x = phase_x + r.x*C::stride_x, kx = (phase_x + C::pad_x)%C::stride_x + r.tap_x*C::stride_x;
        const int d_pre = Run::d_pre, d_post = Run::d_post;
        const int pre0 = ((r.b*C::in_y + y)*C::in_x + x)*C::in_c + t0 + u0*d_pre;
        const int post0 = ((r.b*C::out_y + r.partner_y)*C::out_x + r.partner_x)*C::out_c + u0*d_post;
        real total[T][U][L] = {};
        for (int a = 0; a < r.count_y; a++)
            for (int j = 0; j < r.count_x; j++) {
                const int idx = (((ky + a*C::stride_y)*C::k_x + kx + j*C::stride_x)*C::in_c + t0)*C::out_c;
                const int post = post0 - (a*C::out_x + j)*C::out_c;
                for (int co = 0; co + L <= C::out_c; co += L)
                    CONV_UNROLL
                    for (int t = 0; t < T; t++)
                        CONV_UNROLL
                        for (int u = 0; u < U; u++)
                            CONV_LANES
                            for (int q = 0; q < L; q++)
                                total[t][u][q] += value(idx + t*C::out_c + co + q, pre0 + t + u*d_pre,
                                                        post + u*d_post + co + q);
                const int co = C::out_c - L;  // of the last vector only the last `rest` lanes are new
                if (rest)
                    CONV_UNROLL
                    for (int t = 0; t < T; t++)
                        CONV_UNROLL
                        for (int u = 0; u < U; u++)
                            CONV_LANES
                            for (int q = 0; q < L; q++) {
                                const real v = value(idx + t*C::out_c + co + q, pre0 + t + u*d_pre,
                                                     post + u*d_post + co + q);
                                total[t][u][q] += q >= L - rest ? v : real(0);
                            }
            }
        CONV_UNROLL
        for (int t = 0; t < T; t++)
            CONV_UNROLL
            for (int u = 0; u < U; u++) {
                real whole = 0;
                for (int q = 0; q < L; q++)
                    whole += total[t][u][q];
                pre[pre0 + t + u*d_pre] = whole;
            }
    }
    template <typename Run> CONV_INLINE void along(const Run& run) const {
        tiles<C::in_c, 4, Run::n, 4>(*this, run);
    }

    template <int in, int out, int k, int stride, int pad, int phase>
    struct Image : Axis<max(0, in - phase + stride - 1)/stride,
                        max(0, k - (phase + pad)%stride + stride - 1)/stride, (phase + pad)/stride, 1, -1, out> {};
    template <int i> CONV_INLINE void phase() const {
        const int y = i/C::stride_x, x = i%C::stride_x;
        const ToPre nest = {pre, value, y, x};
        cover<C, Image<C::in_y, C::out_y, C::k_y, C::stride_y, C::pad_y, y>,
              Image<C::in_x, C::out_x, C::k_x, C::stride_x, C::pad_x, x> >(nest);
    }
    CONV_INLINE void all() const { Phases<0, C::stride_y*C::stride_x>::call(*this); }
};

// Sum over positions for each kernel element. Tile: V vectors of channels x U elements of a row (kx, ci),
// contiguous in the input; the positions are the innermost loops, so that each element is written once.
template <typename C, int n_terms, typename real, typename Local, typename Apply> struct Learn {
    const Local local;
    const Apply apply;
    typedef Vectors<C, real> Channels;
    static const int L = Channels::L, row = C::k_x*C::in_c, N = n_terms < 4 ? 8/n_terms : 1;

    // Output positions that see element i of a row
    static CONV_INLINE Inner seeing(int i) {
        return Inner(C::out_x, C::stride_x, i/C::in_c - C::pad_x, 1, C::in_x);
    }
    template <int U, int V>
    CONV_INLINE void add(real (&total)[n_terms][U][V][L], int v0, int u, int idx, int pre, int post) const {
        CONV_UNROLL
        for (int term = 0; term < n_terms; term++)
            CONV_UNROLL
            for (int v = 0; v < V; v++) {
                const int co = Channels::channel(v0 + v);
                CONV_LANES
                for (int q = 0; q < L; q++)
                    total[term][u][v][q] += local(term, idx + u*C::out_c + co + q, pre + u, post + co + q);
            }
    }
    template <int V, int U> CONV_TILE void tile(int ky, int v0, int u0) const {
        const Inner rows(C::out_y, C::stride_y, ky - C::pad_y, 1, C::in_y);
        const bool one_kx = C::in_c%U == 0 && Cut<row, N>::larger == 0;  // no tile has elements of two kx
        const Inner left = seeing(u0), right = one_kx ? left : seeing(u0 + U - 1);
        const int first = left.first, last = max(first, right.last);  // where the whole tile is in the image
        const int idx = (ky*C::k_x*C::in_c + u0)*C::out_c, step = C::stride_x*C::in_c;
        real total[n_terms][U][V][L] = {};
        for (int b = 0; b < C::replicas; b++)
            for (int oy = rows.first; oy < rows.last; oy++) {
                const int y = oy*C::stride_y + ky - C::pad_y;
                const int pre = ((b*C::in_y + y)*C::in_x - C::pad_x)*C::in_c + u0;
                const int post = (b*C::out_y + oy)*C::out_x*C::out_c;
                for (int ox = first; ox < last; ox++)
                    CONV_UNROLL
                    for (int u = 0; u < U; u++)
                        add(total, v0, u, idx, pre + ox*step, post + ox*C::out_c);
                // what single elements see beside that
                for (int u = 0; u < (right.first < first || last < left.last ? U : 0); u++) {
                    const Inner own = seeing(u0 + u);
                    for (int ox = own.first == first ? last : own.first; ox < own.last;
                         ox = ox + 1 == first ? last : ox + 1)
                        add(total, v0, u, idx, pre + ox*step, post + ox*C::out_c);
                }
            }
        const real mean = real(1)/C::replicas;
        CONV_UNROLL
        for (int u = 0; u < U; u++)
            CONV_UNROLL
            for (int v = 0; v < V; v++) {
                const int co = Channels::channel(v0 + v);
                CONV_LANES
                for (int q = (v0 + v)*L - co; q < L; q++) {
                    real totals[n_terms];
                    CONV_UNROLL
                    for (int term = 0; term < n_terms; term++)
                        totals[term] = mean*total[term][u][v][q];
                    apply(idx + u*C::out_c + co + q, totals);
                }
            }
    }
    CONV_INLINE void all() const {
        for (int ky = 0; ky < C::k_y; ky++)
            tiles<Channels::n, 3, row, N>(*this, ky);
    }
};

}  // namespace conv

// post = sum of value(_idx, pre, post) over the synapses that arrive there
template <typename C, typename real, typename Value> CONV_INLINE void conv_to_post(real* post, Value value) {
    const conv::ToPost<C, real, Value> nest = {post, value};
    nest.all();
}

// pre = sum of value(_idx, pre, post) over the synapses that leave there
template <typename C, typename real, typename Value> CONV_INLINE void conv_to_pre(real* pre, Value value) {
    const conv::ToPre<C, real, Value> nest = {pre, value, 0, 0};
    nest.all();
}

// apply(_idx, total) for each kernel element, total[term] being the sum of local(term, _idx, pre, post)
// over all positions, and the mean of it over the replicas
template <typename C, int n_terms, typename real, typename Local, typename Apply>
CONV_INLINE void conv_learn(Local local, Apply apply) {
    const conv::Learn<C, n_terms, real, Local, Apply> nest = {local, apply};
    nest.all();
}

}  // namespace _le

#undef CONV_INLINE
#undef CONV_TILE
#undef CONV_LANES
#undef CONV_UNROLL
