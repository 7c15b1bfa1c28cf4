// Loop nests of pooling synapses. Populations are channel-last, one copy after the other:
//     pre  = ((b*in_y + y)*in_x + x)*channels + channel
//     post = ((b*out_y + oy)*out_x + ox)*channels + channel
// Output (oy, ox) sees the window of w_y x w_x inputs from (oy*stride_y, ox*stride_x) on, which lies
// inside the input. The innermost loops run over the channels, which are contiguous on both sides.

#ifdef _MSC_VER
#define POOL_IVDEP
#else
#define POOL_IVDEP _Pragma("GCC ivdep")
#endif

struct Pool {
    int in_y, in_x, channels, out_y, out_x, w_y, w_x, stride_y, stride_x, replicas;
};

// post = mean of value(0, pre, post) over the window
template <typename real, typename Value>
inline void pool_sum_to_post(const Pool& p, real* post, Value value) {
    const real scale = real(1)/(p.w_y*p.w_x);
    for (int b = 0; b < p.replicas; b++)
        for (int oy = 0; oy < p.out_y; oy++)
            for (int ox = 0; ox < p.out_x; ox++) {
                const int first = ((b*p.in_y + oy*p.stride_y)*p.in_x + ox*p.stride_x)*p.channels;
                const int target = ((b*p.out_y + oy)*p.out_x + ox)*p.channels;
                POOL_IVDEP
                for (int channel = 0; channel < p.channels; channel++) {
                    real total = 0;
                    for (int y = 0; y < p.w_y; y++)
                        for (int x = 0; x < p.w_x; x++)
                            total += value(0, first + (y*p.in_x + x)*p.channels + channel, target + channel);
                    post[target + channel] = scale*total;
                }
            }
}

// pre = sum of value(0, pre, post) over the windows that it is in, divided by the size of the window
template <typename real, typename Value>
inline void pool_sum_to_pre(const Pool& p, real* pre, Value value) {
    const real scale = real(1)/(p.w_y*p.w_x);
    const int row = p.in_x*p.channels, image = p.in_y*row;
    for (int b = 0; b < p.replicas; b++) {
        for (int i = b*image; i < (b + 1)*image; i++)
            pre[i] = 0;
        for (int oy = 0; oy < p.out_y; oy++)
            for (int ox = 0; ox < p.out_x; ox++) {
                const int first = b*image + oy*p.stride_y*row + ox*p.stride_x*p.channels;
                const int source = ((b*p.out_y + oy)*p.out_x + ox)*p.channels;
                for (int y = 0; y < p.w_y; y++)
                    for (int x = 0; x < p.w_x; x++) {
                        const int target = first + y*row + x*p.channels;
                        POOL_IVDEP
                        for (int channel = 0; channel < p.channels; channel++)
                            pre[target + channel] += scale*value(0, target + channel, source + channel);
                    }
            }
    }
}

// post = maximum of value(0, pre, post) over the window, winner[post] = pre of the first maximum in it
template <typename real, typename Value>
inline void pool_max_to_post(const Pool& p, real* post, int32_t* winner, Value value) {
    for (int b = 0; b < p.replicas; b++)
        for (int oy = 0; oy < p.out_y; oy++)
            for (int ox = 0; ox < p.out_x; ox++) {
                const int first = ((b*p.in_y + oy*p.stride_y)*p.in_x + ox*p.stride_x)*p.channels;
                const int target = ((b*p.out_y + oy)*p.out_x + ox)*p.channels;
                POOL_IVDEP
                for (int channel = 0; channel < p.channels; channel++) {
                    real best = value(0, first + channel, target + channel);
                    int32_t best_pre = first + channel;
                    for (int y = 0; y < p.w_y; y++)
                        for (int x = 0; x < p.w_x; x++) {
                            const int32_t pre = first + (y*p.in_x + x)*p.channels + channel;
                            const real v = value(0, pre, target + channel);
                            const bool wins = v > best;
                            best_pre = wins ? pre : best_pre;
                            best = wins ? v : best;
                        }
                    post[target + channel] = best;
                    winner[target + channel] = best_pre;
                }
            }
}

// pre = sum of value(0, pre, post) over the windows that it has won
template <typename real, typename Value>
inline void pool_max_to_pre(const Pool& p, real* pre, const int32_t* winner, Value value) {
    const int n_pre = p.replicas*p.in_y*p.in_x*p.channels, n_post = p.replicas*p.out_y*p.out_x*p.channels;
    for (int i = 0; i < n_pre; i++)
        pre[i] = 0;
    for (int i = 0; i < n_post; i++)
        pre[winner[i]] += value(0, winner[i], i);
}
