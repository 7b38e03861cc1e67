using System.Globalization;

namespace Ling.Sample.Reports;

/// <summary>Numbers with units, the same in any culture.</summary>
internal static class Units
{
    public static string Mebibytes(double bytes) => (bytes / 1048576).ToString(bytes < 104857600 ? "0.00" : "0.0", CultureInfo.InvariantCulture);

    /// <summary>Billions.</summary>
    public static string Giga(double value) => (value / 1e9).ToString(value < 1e10 ? "0.000" : "0.0", CultureInfo.InvariantCulture);

    public static string Milliseconds(double seconds) => (seconds * 1e3).ToString("0.000", CultureInfo.InvariantCulture);

    public static string Percent(double share) => share.ToString("0.0 %", CultureInfo.InvariantCulture);

    public static string Whole(long value) => value.ToString(CultureInfo.InvariantCulture);
}
