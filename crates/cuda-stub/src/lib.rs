//! A CUDA driver library without a GPU: the calls that the runtime makes, with the PTX interpreter behind them.
