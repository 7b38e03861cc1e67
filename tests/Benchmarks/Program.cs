using Mdl.Benchmarks;
using Mdl.Benchmarks.Own;
using Mdl.Benchmarks.Workers;

// "Benchmarks worker THREADS" is the measured process that the benchmarks start.
if (args is ["worker", var threads])
{
    using var requests = new Requests(int.Parse(threads, System.Globalization.CultureInfo.InvariantCulture));
    WorkerLoop.Run(requests.Handle);
    return 0;
}

return CommandLine.Run(args);
