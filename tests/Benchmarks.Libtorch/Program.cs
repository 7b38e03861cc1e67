using Mdl.Benchmarks.Libtorch;
using Mdl.Benchmarks.Workers;

// Usage: Benchmarks.Libtorch THREADS, with requests on standard input; started by Benchmarks.
OldLibstdcxx.MakeVersionWeak();
Requests.Begin(int.Parse(args[0], System.Globalization.CultureInfo.InvariantCulture));
using var requests = new Requests();
WorkerLoop.Run(requests.Handle);
