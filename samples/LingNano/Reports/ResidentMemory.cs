using System.Diagnostics;

namespace Ling.Sample.Reports;

/// <summary>Memory that the process holds.</summary>
public static class ResidentMemory
{
    public static long Now
    {
        get
        {
            using var process = Process.GetCurrentProcess();
            return process.WorkingSet64;
        }
    }

    public static long Peak
    {
        get
        {
            using var process = Process.GetCurrentProcess();
            return process.PeakWorkingSet64;
        }
    }
}
